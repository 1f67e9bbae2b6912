/** `crds/` and `deploy/`: the manifests that `kubectl apply -k deploy` installs. */
import { crds } from '../api/crd.ts';
import type { Permission } from '../api/permissions.ts';
import { type PublishedFile, yamlFile } from './file.ts';
import { images, installation } from './names.ts';
import {
  bindingName,
  namespacedPolicies,
  namespacedRbac,
  namespacedWorkload,
  teamNamespace,
} from './namespaced.ts';
import { jobsPolicy, operatorPolicy } from './network.ts';
import { deployment, metricsService, namespace } from './operator.ts';
import { allowList, imagePolicies } from './policies.ts';
import { aggregatedRoles, operatorRbac } from './rbac.ts';

const kustomization = (content: object) => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  ...content,
});

const crdFiles: readonly PublishedFile[] = crds.map((crd) =>
  yamlFile(`crds/${crd.metadata.name}.yaml`, [crd]),
);

/** Makes kustomize replace image names in environment variables of the Deployment. */
const imageFields = { images: [{ kind: 'Deployment', path: 'spec/template/spec/containers/env/value' }] };

const imagesOf = [images.operator, images.tensorRtRtx].map((name) => ({ name, newTag: images.tag }));

/** @param permissions of all controllers, from which RBAC manifests are generated */
export const installFiles = (permissions: readonly Permission[]): readonly PublishedFile[] => [
  ...crdFiles,
  yamlFile('crds/kustomization.yaml', [
    kustomization({ resources: crds.map(({ metadata }) => `${metadata.name}.yaml`) }),
  ]),
  yamlFile('deploy/namespace.yaml', [namespace]),
  yamlFile('deploy/rbac.yaml', operatorRbac(permissions)),
  yamlFile('deploy/user-roles.yaml', aggregatedRoles),
  yamlFile('deploy/operator.yaml', [deployment, metricsService]),
  yamlFile('deploy/image-fields.yaml', [imageFields]),
  yamlFile('deploy/kustomization.yaml', [
    kustomization({
      resources: [
        '../crds',
        'namespace.yaml',
        'rbac.yaml',
        'user-roles.yaml',
        'operator.yaml',
        'network-policy.yaml',
      ],
      configurations: ['image-fields.yaml'],
      images: imagesOf,
    }),
  ]),
  yamlFile('deploy/network-policy.yaml', [operatorPolicy(installation.namespace)]),
  ...namespacedFiles(permissions),
  yamlFile('deploy/policies/image-allow-list.yaml', [allowList, ...imagePolicies]),
  yamlFile('deploy/policies/jobs-network-policy.yaml', [jobsPolicy()]),
];

const namespacedFiles = (permissions: readonly Permission[]): readonly PublishedFile[] => [
  yamlFile('deploy/namespaced/rbac.yaml', namespacedRbac(permissions)),
  yamlFile('deploy/namespaced/operator.yaml', namespacedWorkload()),
  yamlFile('deploy/namespaced/network-policies.yaml', namespacedPolicies()),
  yamlFile('deploy/namespaced/image-fields.yaml', [imageFields]),
  yamlFile('deploy/namespaced/kustomization.yaml', [
    kustomization({
      namespace: teamNamespace,
      resources: ['rbac.yaml', 'operator.yaml', 'network-policies.yaml'],
      configurations: ['image-fields.yaml'],
      replacements: [bindingName],
      images: imagesOf,
    }),
  ]),
];
