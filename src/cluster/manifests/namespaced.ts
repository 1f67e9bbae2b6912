/**
 * `deploy/namespaced/`: the operator in one team's namespace, with Roles for that namespace only. It cannot create pods,
 * and therefore cannot mount Secrets, in other namespaces. Cluster-wide it only reads nodes and device classes, by a
 * ClusterRole that teams share and an administrator creates.
 */
import type { Permission } from '../api/permissions.ts';
import { installation, installedLabels } from './names.ts';
import { jobsPolicy, operatorPolicy } from './network.ts';
import { deployment, metricsService } from './operator.ts';
import {
  clusterScoped,
  leaderElectionPermissions,
  metricsPermissions,
  ruleOf,
  serviceAccount,
} from './rbac.ts';

/** Namespace of the generated files, which `namespace:` of a kustomization replaces. */
export const teamNamespace = 'tlt-exports';

const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const name = installation.operator;
const subjects = [{ kind: 'ServiceAccount', name, namespace: teamNamespace }] as const;

/** Teams share one ClusterRole; the name of each binding contains the namespace. */
export const clusterReaderName = 'tlt-export-operator-cluster-reader';
const clusterBinding = `${clusterReaderName}.${teamNamespace}`;

/** Cluster-scoped permissions of an operator that has Roles otherwise. */
export const clusterReader = (permissions: readonly Permission[]) => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name: clusterReaderName, labels: installedLabels },
  rules: [...permissions.filter(clusterScoped), ...metricsPermissions].map(ruleOf),
});

/** RBAC objects of a namespaced installation. */
export const namespacedRbac = (permissions: readonly Permission[]): readonly object[] => {
  const inNamespace = permissions.filter((permission) => !clusterScoped(permission));
  const metadata = { name, namespace: teamNamespace, labels: installedLabels };
  return [
    serviceAccount(teamNamespace),
    {
      apiVersion,
      kind: 'Role',
      metadata,
      rules: [...inNamespace, ...leaderElectionPermissions].map(ruleOf),
    },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef: { apiGroup, kind: 'Role', name }, subjects },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: clusterBinding, labels: installedLabels },
      roleRef: { apiGroup, kind: 'ClusterRole', name: clusterReaderName },
      subjects,
    },
  ];
};

/** Deployment and metrics Service of a namespaced installation. */
export const namespacedWorkload = (): readonly object[] => {
  const { template } = deployment.spec;
  const [container] = template.spec.containers;
  const args = [...container.args, '--namespace=$(POD_NAMESPACE)'];
  const spec = { ...template.spec, containers: [{ ...container, args }] };
  const inTeam = <T extends { readonly metadata: object }>(object: T) => ({
    ...object,
    metadata: { ...object.metadata, namespace: teamNamespace },
  });
  return [
    inTeam({ ...deployment, spec: { ...deployment.spec, template: { ...template, spec } } }),
    inTeam(metricsService),
  ];
};

/** NetworkPolicies of a namespaced installation. */
export const namespacedPolicies = (): readonly object[] => [
  operatorPolicy(teamNamespace),
  jobsPolicy(teamNamespace),
];

/**
 * Kustomize replacements that put the namespace into the name of the ClusterRoleBinding, so that teams do not share one.
 * They belong to the kustomization that sets `namespace:`.
 */
export const bindingName = [
  {
    source: { kind: 'ServiceAccount', name, fieldPath: 'metadata.namespace' },
    targets: [
      {
        select: { kind: 'ClusterRoleBinding', name: clusterBinding },
        fieldPaths: ['metadata.name'],
        options: { delimiter: '.', index: 1 },
      },
    ],
  },
] as const;
