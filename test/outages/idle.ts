/** Situations in which there is nothing to do, and what an operator costs in them. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { annotations, labels, ownerLabels } from '../../src/cluster/api/labels.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { JobObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import { eventually } from '../cluster/run.ts';
import type { Fault } from '../runtime/fault-proxy.ts';
import { compactEtcd } from './disturbances.ts';
import { leaderOf } from './replica.ts';
import { namespace, type Testbed } from './testbed.ts';

export type Cost = {
  /** Without renewals of the lease. */
  readonly requests: number;
  readonly reconciles: number;
  readonly cpuSeconds: number;
};

export type Situation = {
  readonly name: string;
  /** Brings it about in a testbed that has settled. */
  readonly enter: (testbed: Testbed) => Promise<void>;
  /** What every replica's network does meanwhile. */
  readonly fault?: Fault;
  /** Justified number of requests in this many milliseconds. */
  readonly requestsIn: (ms: number) => number;
};

const never = new AbortController().signal;

const listed = async ({ client }: Testbed, kind: 'pods' | 'jobs') =>
  ((await client.list(jobResources[kind], { namespace }, never)) as { items: readonly JobObject[] }).items;

/** Nodes were removed, and with them all pods that knew results: the Jobs stay for a day. */
const loseAllPods = async (testbed: Testbed): Promise<void> => {
  for (const { metadata } of await listed(testbed, 'pods'))
    await testbed.client.remove(jobResources.pods, { namespace, name: metadata.name }, never);
  await eventually(
    'the pods to be gone',
    async () => (await listed(testbed, 'pods')).length === 0 || undefined,
  );
};

/** Jobs of an export that it does not ask for: one that nobody ends, one that cannot be deleted. */
const addUnwantedJobs = async (testbed: Testbed): Promise<void> => {
  const model = (await listed(testbed, 'jobs'))[0]!;
  const { ownerReferences, labels: own = {} } = model.metadata;
  for (const [name, finalizers] of [
    ['unwanted', []],
    ['unwanted-and-kept', ['example.com/keeps-it']],
  ] as const) {
    const metadata = {
      name,
      finalizers,
      ownerReferences,
      labels: { ...own, [labels.attempt]: 'none', [labels.template]: randomUUID().slice(0, 16) },
      annotations: { [annotations.deadlineSeconds]: '60' },
    };
    const template = {
      metadata: { labels: { [ownerLabels.ModelExport.name]: 'none' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'none', image: 'none.invalid/none' }] },
    };
    const job = { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { template } };
    await testbed.client.create(jobResources.jobs, { namespace }, job, never);
  }
  await eventually('the unwanted Jobs to be deleted', async () => {
    const left = (await listed(testbed, 'jobs')).filter(({ metadata }) =>
      metadata.name.startsWith('unwanted'),
    );
    return left.every(({ metadata }) => metadata.deletionTimestamp !== undefined) || undefined;
  });
};

const isWatch = (url: string | undefined): boolean => url?.includes('watch=true') === true;

const closesAtOnce: Fault = ({ url }, response) => {
  if (!isWatch(url)) return 'pass';
  response.writeHead(200).end();
  return 'handled';
};

const expiresAtOnce: Fault = ({ url }, response) => {
  if (!isWatch(url)) return 'pass';
  response.writeHead(410).end(JSON.stringify({ kind: 'Status', code: 410, message: 'too old' }));
  return 'handled';
};

/** The six caches: the pauses between their attempts grow to 30 s at most, and are 15 s on average then. */
const attemptsIn = (ms: number): number => 6 * (8 + ms / 10_000);

export const situations: readonly Situation[] = [
  { name: 'every pod has vanished', enter: loseAllPods, requestsIn: () => 6 },
  { name: 'Jobs that nobody wants', enter: addUnwantedJobs, requestsIn: () => 6 },
  {
    name: 'etcd was compacted',
    enter: ({ plane }) => compactEtcd(plane.etcdUrl),
    requestsIn: () => 6,
  },
  { name: 'watches that close at once', enter: async () => {}, fault: closesAtOnce, requestsIn: attemptsIn },
  {
    name: 'watches whose version is always too old',
    enter: async () => {},
    fault: expiresAtOnce,
    requestsIn: (ms) => 2 * attemptsIn(ms),
  },
];

/** What the leader costs in this many milliseconds of this situation. */
export const costIn = async (testbed: Testbed, { enter, fault = () => 'pass' }: Situation, ms: number) => {
  await enter(testbed);
  const writes = await testbed.writesWhenQuiet(1000);
  const { proxy, metric } = await leaderOf(testbed.replicas);
  await eventually('the delayed reconciles to be over', async () => {
    const count = await metric('controller_runtime_reconcile_total');
    await sleep(2000);
    return (await metric('controller_runtime_reconcile_total')) === count || undefined;
  });
  const figures = async () => ({
    reconciles: await metric('controller_runtime_reconcile_total'),
    cpu: await metric('process_cpu_seconds_total'),
  });
  let requests = 0;
  proxy.fault = (request, response) => {
    if (!request.url!.includes('/leases')) requests++;
    return fault(request, response);
  };
  const before = await figures();
  proxy.cut();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const after = await figures();
  proxy.fault = () => 'pass';
  const cost: Cost = {
    requests,
    reconciles: after.reconciles - before.reconciles,
    cpuSeconds: after.cpu - before.cpu,
  };
  return { ...cost, writes };
};
