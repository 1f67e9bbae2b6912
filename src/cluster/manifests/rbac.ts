/** Roles from the permission tables that lie beside the code: the operator may do what it does, and no more. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission, Verb } from '../api/permissions.ts';
import { installation, installedLabels } from './names.ts';

const apiVersion = 'rbac.authorization.k8s.io/v1';

export const ruleOf = ({ apiGroups, resources, verbs }: Permission) => ({ apiGroups, resources, verbs });

/** Kept to the operator's own namespace. */
export const leaderElectionPermissions: readonly Permission[] = [
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update'],
    why: 'Of several replicas one acts; the lease says which.',
  },
];

/** For authenticated metrics; both kinds of review have no namespace. */
export const metricsPermissions: readonly Permission[] = [
  {
    apiGroups: ['authentication.k8s.io'],
    resources: ['tokenreviews'],
    verbs: ['create'],
    why: 'Finds out whose token asks for /metrics.',
  },
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews'],
    verbs: ['create'],
    why: 'Finds out whether that user may get /metrics.',
  },
];

/** For Prometheus: bind it to the ServiceAccount whose token scrapes. */
export const metricsReader = {
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name: 'tlt-export-metrics-reader', labels: installedLabels },
  rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }],
} as const;

/** Kinds without a namespace: no Role can grant them. */
const clusterKinds: readonly string[] = ['nodes', kinds.ExportDeviceClass.plural];

export const clusterScoped = ({ resources }: Permission): boolean =>
  resources.some((resource) => clusterKinds.includes(resource.split('/')[0]!));

export const serviceAccount = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: installation.operator, namespace, labels: installedLabels },
});

const subjects = [
  { kind: 'ServiceAccount', name: installation.operator, namespace: installation.namespace },
] as const;

const roleRef = (kind: 'ClusterRole' | 'Role', name: string) => ({
  apiGroup: 'rbac.authorization.k8s.io',
  kind,
  name,
});

export const operatorRbac = (permissions: readonly Permission[]): readonly object[] => {
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
      rules: [...permissions, ...metricsPermissions].map(ruleOf),
    },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: cluster,
      roleRef: roleRef('ClusterRole', cluster.name),
      subjects,
    },
    { apiVersion, kind: 'Role', metadata: own, rules: leaderElectionPermissions.map(ruleOf) },
    { apiVersion, kind: 'RoleBinding', metadata: own, roleRef: roleRef('Role', own.name), subjects },
    metricsReader,
  ];
};

const read: readonly Verb[] = ['get', 'list', 'watch'];
const write: readonly Verb[] = ['create', 'update', 'patch', 'delete', 'deletecollection'];

type UserRole = {
  readonly name: string;
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  /** The built-in roles that take the rule over; device classes belong to the cluster, so a namespace's editor has none. */
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

/** Roles for people: who may view or edit a namespace may view or edit the exports in it. */
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
