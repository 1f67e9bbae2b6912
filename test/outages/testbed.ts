/** Operators that contend for one lease, each behind its own proxy, exports in motion, and faults in between. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { aClientOf } from '../builders/client.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { run } from '../cluster/run.ts';
import { follow } from '../modelexport/followed.ts';
import { type Invariants, watchInvariants } from './invariants.ts';
import { operatorFile, type Replica, startReplica } from './replica.ts';
import { actAsUser, roleOf, roles } from './user-actions.ts';

export const namespace = 'default';

export interface Testbed {
  readonly plane: ControlPlane;
  readonly invariants: Invariants;
  readonly replicas: readonly Replica[];
  readonly client: KubeClient;
  /**
   * New exports while the fault lasts; then until all exports are as they must be.
   * @throws if that takes longer than any fault justifies
   */
  readonly runRound: (fault: () => Promise<void>) => Promise<void>;
  /** Writes of the operators in this many milliseconds in which nothing changes. */
  readonly writesWhenQuiet: (ms: number) => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
}

export type TestbedOptions = { readonly replicas: number; readonly exportsPerRound: number };

/** The latest retry of anything after the slowest fault: a refused Job after a minute, a watch that is silent after 70 s. */
const settleMs = 150_000;

export const startTestbed = async ({
  replicas: count,
  exportsPerRound,
}: TestbedOptions): Promise<Testbed> => {
  const plane = await startControlPlane({ controllerManager: true });
  const over = new AbortController();
  const client = aClientOf(plane.kubeconfig);
  await prepare(plane);
  follow(client, over.signal);
  const watching = watchInvariants(client, over.signal);
  const writes: string[] = [];
  const onWrite = (write: string) => writes.push(write);
  const replicas = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startReplica({ plane, name: `replica-${i}`, namespace, onWrite }),
    ),
  );
  const expected = new Set<string>();
  let round = 0;
  let created = 0;
  const runRound = async (fault: () => Promise<void>): Promise<void> => {
    round++;
    const names = Array.from(
      { length: exportsPerRound },
      () => `round-${round}-${created}-${roles[created++ % roles.length]}`,
    );
    for (const name of names) if (roleOf(name) !== 'deleted') expected.add(name);
    const user = { client, namespace, signal: over.signal };
    const acting = Promise.all(names.map((name) => actAsUser(name, user)));
    await fault();
    await acting;
    await untilSettled(() => watching.unsettled(expected), round);
  };
  return {
    plane,
    invariants: watching,
    replicas,
    client,
    runRound,
    writesWhenQuiet: async (ms) => {
      await sleep(2000);
      writes.length = 0;
      await sleep(ms);
      return [...writes];
    },
    stop: async () => {
      over.abort(new Error('the testbed is over'));
      await Promise.all(replicas.map((replica) => replica.stop()));
      await plane.stop();
    },
  };
};

const untilSettled = async (unsettled: () => readonly string[], round: number): Promise<void> => {
  const started = performance.now();
  for (;;) {
    const left = unsettled();
    if (left.length === 0) return;
    if (performance.now() - started > settleMs)
      throw new Error(`round ${round} has not settled after ${settleMs / 1000} s:\n${left.join('\n')}`);
    await sleep(100);
  }
};

const prepare = async (plane: ControlPlane): Promise<void> => {
  await installCrds(plane);
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
  // Only a process that ends by itself leaves what it compiled to the next: those below are killed.
  await run('node', [operatorFile, '--help']);
};
