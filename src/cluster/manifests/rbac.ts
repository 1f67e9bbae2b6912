/** Roles generated from the permission tables beside the code, so that the operator has least privilege. */
import { exportsPath } from '../../ground/contract/installation.ts';
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission, Verb } from '../api/permissions.ts';
import { installation, installedLabels } from './names.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export const ruleOf = ({ apiGroups, resources, verbs }: Permission) => ({ apiGroups, resources, verbs });

/** Permissions in the operator's own namespace. */
export const leaderElectionPermissions: readonly Permission[] = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
    why: 'Leader election: only the replica that holds the Lease is active.',
  },
];

/** Permissions for authenticated metrics. Both reviews are cluster-scoped. */
export const metricsPermissions: readonly Permission[] = [
  {
    apiGroups: ['authentication.k8s.io'],
    resources: ['tokenreviews'],
    verbs: ['create'],
    why: 'Authenticates requests to /metrics and to the page.',
  },
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
    why: 'Authorizes requests to /metrics and to the page.',
  },
];

const pathReader = (name: string, path: string) => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name, labels: installedLabels },
  rules: [{ nonResourceURLs: [path], verbs: ['get'] }],
});

/** ClusterRoles for Prometheus, and for people who read the page of all exports. Nothing is bound to them here. */
export const pathReaders = [
  pathReader('tlt-export-metrics-reader', '/metrics'),
  pathReader('tlt-export-page-reader', exportsPath),
] as const;

/** Cluster-scoped resources, which a Role cannot grant. */
const clusterKinds: readonly string[] = ['nodes', 'persistentvolumes', kinds.ExportDeviceClass.plural];

/** Whether a resource of this permission is cluster-scoped. */
export const clusterScoped = ({ resources }: Permission): boolean =>
  resources.some((resource) => clusterKinds.includes(resource.split('/')[0]!));

/** The operator's ServiceAccount. */
export const serviceAccount = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: installation.operator, namespace, labels: installedLabels },
});

/** The operator's ServiceAccount. */
export const operatorSubjects = [
  { kind: 'ServiceAccount', name: installation.operator, namespace: installation.namespace },
] as const;

/** rbac.authorization.k8s.io/v1 RoleRef. */
export const roleRef = (kind: 'ClusterRole' | 'Role', name: string) => ({
  apiGroup: 'rbac.authorization.k8s.io',
  kind,
  name,
});

/**
 * The operator's roles and bindings, for all namespaces.
 * @param rulesOf a rule, or the lines of a template
 */
export const operatorRbac = (
  permissions: readonly Permission[],
  rulesOf: (permission: Permission) => readonly (object | string)[] = (permission) => [ruleOf(permission)],
): readonly object[] => {
  const cluster = { name: installation.operator, labels: installedLabels };
  const own = {
    name: installation.leaderElection,
    namespace: installation.namespace,
    labels: installedLabels,
  };
  return [
    serviceAccount(installation.namespace),
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: cluster,
      rules: [...permissions, ...metricsPermissions].flatMap(rulesOf),
    },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: cluster,
      roleRef: roleRef('ClusterRole', cluster.name),
      subjects: operatorSubjects,
    },
    { apiVersion, kind: 'Role', metadata: own, rules: leaderElectionPermissions.map(ruleOf) },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: own,
      roleRef: roleRef('Role', own.name),
      subjects: operatorSubjects,
    },
    ...pathReaders,
  ];
};

const read: readonly Verb[] = ['get', 'list', 'watch'];
const write: readonly Verb[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

type UserRole = {
  readonly name: string;
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  /** Built-in roles to aggregate to. Device classes are cluster-scoped, so namespace editors cannot edit them. */
  readonly joins: readonly ('view' | 'edit' | 'admin')[];
};

const namespaced = [kinds.ModelExport.plural, kinds.CalibrationTensorfile.plural] as const;

const userRoles: readonly UserRole[] = [
  {
    name: 'tlt-export-view',
    resources: namespaced,
    verbs: read,
    joins: ['view', 'edit', 'admin'],
  },
  { name: 'tlt-export-edit', resources: namespaced, verbs: write, joins: ['edit', 'admin'] },
  {
    name: 'tlt-export-device-class-view',
    resources: [kinds.ExportDeviceClass.plural],
    verbs: read,
    joins: ['view', 'edit', 'admin'],
  },
  {
    name: 'tlt-export-device-class-edit',
    resources: [kinds.ExportDeviceClass.plural],
    verbs: write,
    joins: [],
  },
];

/** Roles for users: viewers and editors of a namespace may view and edit the exports in it. */
export const aggregatedRoles: readonly object[] = userRoles.map(({ name, resources, verbs, joins }) => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: {
    name,
    labels: {
      ...installedLabels,
      ...Object.fromEntries(joins.map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, 'true'])),
    },
  },
  rules: [{ apiGroups: [exportGroup.group], resources, verbs }],
}));
