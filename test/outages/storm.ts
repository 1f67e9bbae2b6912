/** Two operators with one lease, each behind its own proxy, with exports in progress and faults. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { aClientOf } from '../builders/client.ts';
import { aSpec } from '../builders/objects.ts';
import { type ControlPlane, freePort, startControlPlane } from '../cluster/control-plane.ts';
import { eventually, run } from '../cluster/run.ts';
import { follow } from '../modelexport/followed.ts';
import { type FaultProxy, startFaultProxy } from '../runtime/fault-proxy.ts';
import { type NamedFault, play } from './faults.ts';
import { type Guard, guard } from './invariants.ts';

const root = join(import.meta.dirname, '..', '..');
const operatorFile = join(root, 'src', 'operator.ts');
const namespace = 'default';

export type Replica = {
  readonly proxy: FaultProxy;
  /** The current process. */
  process: ChildProcess;
  /** Kills the process like a node failure, and starts another one. */
  readonly replace: () => void;
  /** The value of a metric, summed over its labels. */
  readonly metric: (name: string) => Promise<number>;
};

export interface Storm {
  readonly guard: Guard;
  readonly replicas: readonly Replica[];
  readonly client: KubeClient;
  /** Creates exports and changes existing ones while the fault lasts, then waits until all are settled. */
  readonly weather: (fault: NamedFault | (() => Promise<void>)) => Promise<void>;
  /** Number of writes of the operators in this many milliseconds without changes. */
  readonly writesWhenQuiet: (ms: number) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export type StormOptions = { readonly replicas: number; readonly exportsPerRound: number };

export const startStorm = async ({ replicas: count, exportsPerRound }: StormOptions): Promise<Storm> => {
  const plane = await startControlPlane({ controllerManager: true });
  const over = new AbortController();
  const client = aClientOf(plane.kubeconfig);
  await prepare(plane);
  follow(client, over.signal);
  const watching = guard(client, over.signal);
  const writes: string[] = [];
  const replicas = await Promise.all(
    Array.from({ length: count }, (_, i) => aReplica(plane, `replica-${i}`, (write) => writes.push(write))),
  );
  let round = 0;
  const weather = async (fault: NamedFault | (() => Promise<void>)): Promise<void> => {
    round++;
    const names = Array.from({ length: exportsPerRound }, (_, i) => `round-${round}-${i}`);
    const moving = move(client, names, over.signal);
    const proxies = replicas.map(({ proxy }) => proxy);
    await (typeof fault === 'function' ? fault() : play(proxies, fault));
    await moving;
    await eventually(
      `every export to be settled in round ${round}`,
      async () => (watching.exports().length >= round * exportsPerRound && watching.settled()) || undefined,
      120_000,
    );
  };
  return {
    guard: watching,
    replicas,
    client,
    weather,
    writesWhenQuiet: async (ms) => {
      await sleep(2000);
      writes.length = 0;
      await sleep(ms);
      return [...writes];
    },
    stop: async () => {
      over.abort(new Error('the storm is over'));
      for (const replica of replicas) replica.process.kill('SIGKILL');
      await Promise.all(replicas.map(({ proxy }) => proxy.close()));
      await plane.stop();
    },
  };
};

const prepare = async (plane: ControlPlane): Promise<void> => {
  await plane.kubectl(['apply', '--server-side', '-k', join(root, 'crds')]);
  await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  for (const [name, engine] of [
    ['ampere', { backend: 'TensorRtRtx', computeCapability: '8.6' }],
    ['cpu', { backend: 'OnnxRuntime' }],
  ] as const) {
    const object = {
      apiVersion: 'export.tlt.dev/v1beta1',
      kind: 'ExportDeviceClass',
      metadata: { name },
      spec: { engine, allowPending: true },
    };
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  }
  // Only a process that exits by itself stores its compile cache for the next one; those below are killed.
  await run('node', [operatorFile, '--help']);
};

const aReplica = async (
  { kubeconfig, folder }: ControlPlane,
  name: string,
  onWrite: (write: string) => void,
): Promise<Replica> => {
  const proxy = await startFaultProxy({ kubeconfig, folder, name });
  proxy.onWritten = ({ method, path }) => {
    if (!path.includes('/leases')) onWrite(`${method} ${path}`);
  };
  const port = await freePort();
  const flags = [...operatorFlags, '--metrics-bind', `127.0.0.1:${port}`];
  const start = () =>
    spawn(process.execPath, [operatorFile, ...flags], {
      env: { ...process.env, KUBECONFIG: proxy.kubeconfig },
      stdio: 'ignore',
    });
  const replica: Replica = {
    proxy,
    process: start(),
    replace: () => {
      replica.process.kill('SIGKILL');
      replica.process = start();
    },
    metric: async (metric) => sumOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), metric),
  };
  return replica;
};

const operatorFlags = [
  ...['--leader-elect', '--lease-namespace', namespace, '--namespace', namespace],
  ...['--probe-bind', '127.0.0.1:0'],
];

const sumOf = (page: string, metric: string): number =>
  page
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

/** Creates exports; suspends every second one for a moment, and changes the spec of every third one. */
const move = async (client: KubeClient, names: readonly string[], signal: AbortSignal): Promise<void> => {
  const kind = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ModelExport' };
  await Promise.all(
    names.map(async (name, i) => {
      const object = { ...kind, metadata: { name }, spec: aSpec() };
      await client.create(modelExportResource, { namespace }, object, signal);
      const patch = (spec: object) =>
        client.mergePatch(modelExportResource, { namespace, name }, { spec }, signal);
      if (i % 2 === 1) {
        await sleep(300);
        await patch({ suspend: true });
        await sleep(1000);
        await patch({ suspend: false });
      }
      if (i % 3 === 2) {
        await sleep(400);
        await patch({ maxBatchSize: 4 });
      }
    }),
  );
};
