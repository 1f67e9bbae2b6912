/** What the operator asked of the apiserver, by its audit log, beside what its roles allow. */
import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { installation } from '../../src/cluster/manifests/names.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** audit.k8s.io/v1 Event, as far as it is read. */
export type AuditEvent = {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number };
};

export const requestsOfOperator = ({ auditLog }: Cluster): readonly AuditEvent[] =>
  readFileSync(auditLog, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ user }) => user.username.endsWith(`:${installation.operator}`));

export const isReading = (verb: string): boolean => ['get', 'list', 'watch'].includes(verb);

type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
};

/** Both roles, as the cluster has them. */
const granted = async ({ ask }: Cluster): Promise<ReadonlySet<string>> => {
  const { operator, namespace, leaderElection } = installation;
  const roles = await Promise.all([
    ask(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${operator}`),
    ask(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${leaderElection}`),
  ]);
  const rules = roles.flatMap((role) => (JSON.parse(role) as { rules: readonly Rule[] }).rules);
  return new Set(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    ),
  );
};

/** What an export on a healthy cluster does not need. */
const notNeededHere: readonly string[] = [
  // No request of ours: an admission plugin asks for them when a Job with an owner reference is created.
  'update export.tlt.dev/modelexports/finalizers',
  'update export.tlt.dev/calibrationtensorfiles/finalizers',
  // After a create that was refused because the Job exists (test/ownedjobs/apply.test.ts).
  'get batch/jobs',
];

/** Holds both directions: nothing was forbidden, and nothing is allowed that was not needed. */
export const usesAllPermissions = async (t: ExecutionContext, cluster: Cluster): Promise<void> => {
  const requests = requestsOfOperator(cluster);
  const forbidden = requests.filter(({ responseStatus }) => responseStatus?.code === 403);
  t.deepEqual(
    forbidden.map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    [],
  );
  const used = new Set(
    requests.flatMap(({ verb, objectRef }) => {
      if (objectRef === undefined) return [];
      const { apiGroup = '', resource, subresource } = objectRef;
      return `${verb} ${apiGroup}/${[resource, subresource].filter(Boolean).join('/')}`;
    }),
  );
  const unused = [...(await granted(cluster))].filter(
    (right) => !used.has(right) && !notNeededHere.includes(right),
  );
  t.deepEqual(unused, []);
};
