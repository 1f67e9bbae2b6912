/**
 * `crds/` and the generated part of `deploy/`: bases that the overlays in `deploy/` build on. What is deleted with an
 * installation is in `deploy/cluster` or `deploy/namespaced`. What outlives it is in `deploy/prerequisites`: CRDs and the
 * namespace, which hold objects of users, and what the installations of several teams share.
 */
import { crds } from '../api/crd.ts';
import type { Permission } from '../api/permissions.ts';
import { type PublishedFile, yamlFile } from './file.ts';
import { installation } from './names.ts';
import {
  bindingName,
  clusterReader,
  namespacedPolicies,
  namespacedRbac,
  namespacedWorkload,
  teamNamespace,
} from './namespaced.ts';
import { anyServer, jobsPolicy, operatorPolicy, storagePolicy, toServer } from './network.ts';
import { deployment, disruptionBudget, metricsService, namespace } from './operator.ts';
import { allowList, imagePolicies } from './policies.ts';
import { aggregatedRoles, operatorRbac, pathReaders } from './rbac.ts';

const kustomization = (content: object) => ({
  apiVersion: 'kustomize.config.k8s.io/v1beta1',
  kind: 'Kustomization',
  ...content,
});

const crdFiles: readonly PublishedFile[] = crds.map((crd) =>
  yamlFile(`crds/${crd.metadata.name}.yaml`, [crd]),
);

/**
 * Makes kustomize replace image names in environment variables of the Deployment. Kustomize reads such a file only from the
 * folder of the kustomization that sets `images:`, so each overlay has a copy.
 */
const imageFields = { images: [{ kind: 'Deployment', path: 'spec/template/spec/containers/env/value' }] };

const overlays = ['deploy', 'deploy/overlays/high-availability', 'deploy/overlays/team'] as const;

/** @param permissions of all controllers, from which RBAC manifests are generated */
export const installFiles = (permissions: readonly Permission[]): readonly PublishedFile[] => [
  ...crdFiles,
  yamlFile('crds/kustomization.yaml', [
    kustomization({ resources: crds.map(({ metadata }) => `${metadata.name}.yaml`) }),
  ]),
  yamlFile('deploy/prerequisites/cluster/namespace.yaml', [namespace]),
  yamlFile('deploy/prerequisites/cluster/kustomization.yaml', [
    kustomization({ resources: ['../../../crds', 'namespace.yaml'] }),
  ]),
  yamlFile('deploy/prerequisites/teams/roles.yaml', [
    ...aggregatedRoles,
    clusterReader(permissions),
    ...pathReaders,
  ]),
  yamlFile('deploy/prerequisites/teams/kustomization.yaml', [
    kustomization({ resources: ['../../../crds', 'roles.yaml'] }),
  ]),
  yamlFile('deploy/cluster/rbac.yaml', operatorRbac(permissions)),
  yamlFile('deploy/cluster/user-roles.yaml', aggregatedRoles),
  yamlFile('deploy/cluster/operator.yaml', [deployment, metricsService]),
  yamlFile('deploy/cluster/network-policy.yaml', [operatorPolicy(installation.namespace)]),
  yamlFile('deploy/cluster/kustomization.yaml', [
    kustomization({
      resources: ['rbac.yaml', 'user-roles.yaml', 'operator.yaml', 'network-policy.yaml'],
    }),
  ]),
  yamlFile('deploy/components/high-availability/pod-disruption-budget.yaml', [disruptionBudget]),
  yamlFile('deploy/overlays/team/binding-name.yaml', bindingName),
  ...overlays.map((folder) => yamlFile(`${folder}/image-fields.yaml`, [imageFields])),
  ...namespacedFiles(permissions),
  yamlFile('deploy/policies/image-allow-list.yaml', [allowList, ...imagePolicies]),
  yamlFile('deploy/policies/jobs-network-policy.yaml', [jobsPolicy()]),
  yamlFile('deploy/policies/jobs-object-storage-policy.yaml', [storagePolicy([toServer(anyServer)])]),
];

const namespacedFiles = (permissions: readonly Permission[]): readonly PublishedFile[] => [
  yamlFile('deploy/namespaced/rbac.yaml', namespacedRbac(permissions)),
  yamlFile('deploy/namespaced/operator.yaml', namespacedWorkload()),
  yamlFile('deploy/namespaced/network-policies.yaml', namespacedPolicies()),
  yamlFile('deploy/namespaced/kustomization.yaml', [
    kustomization({
      namespace: teamNamespace,
      resources: ['rbac.yaml', 'operator.yaml', 'network-policies.yaml'],
    }),
  ]),
];
