/** `npm run bench:failover`: measures the gap without writes after the leader is killed or stopped. No Job may be created twice. */
import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { modelExportResource } from '../../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../../src/cluster/ownedjobs/caches.ts';
import { endWithSignals } from '../../cluster/end-with-signals.ts';
import { eventually } from '../../cluster/run.ts';
import { type BenchCluster, createExport, namespace, startBenchCluster } from './bench-cluster.ts';
import { compileOperator, startOperator } from './measured-controllers.ts';

const { values } = parseArgs({ options: { repetitions: { type: 'string', default: '50' } } });

const leaseResource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const;
const flags = ['--namespace', namespace, '--leader-elect', '--lease-namespace', namespace] as const;

type Lease = { readonly spec?: { readonly holderIdentity?: string } };

const holderOf = async ({ client, signal }: BenchCluster): Promise<string> => {
  const at = { namespace, name: 'tlt-export-operator' };
  const { spec } = (await client.read(leaseResource, at, signal).catch(() => ({}))) as Lease;
  return spec?.holderIdentity ?? '';
};

const start = ({ plane }: BenchCluster): ChildProcess => startOperator(plane, flags);

const waitForLease = (cluster: BenchCluster, before: string): Promise<string> =>
  eventually(
    'a new leader',
    async () => {
      const holder = await holderOf(cluster);
      return holder !== '' && holder !== before ? holder : undefined;
    },
    60_000,
  );

const hasStatus = async ({ client, signal }: BenchCluster, name: string): Promise<boolean> => {
  const found = (await client.read(modelExportResource, { namespace, name }, signal)) as {
    readonly status?: { readonly observedGeneration?: number };
  };
  return (found.status?.observedGeneration ?? -1) >= 0;
};

/** Time from the signal to the new leader's first write, for an export that is created right after the signal. */
const failOver = async (
  cluster: BenchCluster,
  pair: { leader: ChildProcess; standby: ChildProcess; holder: string },
  { name, signal }: { readonly name: string; readonly signal: 'SIGKILL' | 'SIGTERM' },
): Promise<number> => {
  const started = performance.now();
  pair.leader.kill(signal);
  await createExport(cluster, name);
  await eventually(`a status of ${name}`, async () => (await hasStatus(cluster, name)) || undefined, 60_000);
  const seconds = (performance.now() - started) / 1000;
  pair.holder = await waitForLease(cluster, pair.holder);
  pair.leader = pair.standby;
  pair.standby = start(cluster);
  await sleep(2500); // Its caches are synced by then.
  return seconds;
};

type Named = { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } };

/** Jobs of the same content and object, of which only one may exist. */
const countTwins = async ({ client, signal }: BenchCluster): Promise<number> => {
  const { items } = (await client.list(jobResources.jobs, { namespace }, signal)) as {
    readonly items: readonly Named[];
  };
  const contents = items.map(({ metadata: { labels = {} } }) =>
    ['model-export-uid', 'stage', 'device-class', 'artifact-key']
      .map((label) => labels[`export.tlt.dev/${label}`])
      .join('/'),
  );
  return contents.length - new Set(contents).size;
};

const worst = (seconds: readonly number[]): string =>
  `median ${seconds.toSorted((a, b) => a - b)[seconds.length >> 1]!.toFixed(2)} s, longest ${Math.max(...seconds).toFixed(2)} s`;

const main = async (): Promise<void> => {
  await compileOperator();
  const cluster = await startBenchCluster();
  const leader = start(cluster);
  const holder = await waitForLease(cluster, '');
  const pair = { leader, standby: start(cluster), holder };
  await sleep(5000);
  const took = { SIGKILL: [] as number[], SIGTERM: [] as number[] };
  try {
    for (let i = 0; i < Number(values.repetitions); i++)
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        const seconds = await failOver(cluster, pair, { name: `${signal.toLowerCase()}-${i}`, signal });
        took[signal].push(seconds);
        process.stderr.write(`${signal}: ${seconds.toFixed(2)} s\n`);
      }
    process.stdout.write(
      `${values.repetitions} repetitions\nleader killed → next write: ${worst(took.SIGKILL)}\nleader stopped → next write: ${worst(took.SIGTERM)}\nJobs made twice: ${await countTwins(cluster)}\n`,
    );
  } finally {
    for (const each of [pair.leader, pair.standby]) each.kill('SIGKILL');
    await cluster.stop();
  }
};

endWithSignals();
await main();
