/** One operator process behind a proxy of its own; like a container of a Deployment it is started again when it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { freePort } from '../cluster/free-port.ts';
import { tied } from '../cluster/outlived.ts';
import { type FaultProxy, startFaultProxy } from '../runtime/fault-proxy.ts';
import type { Ahead } from './set-clock.ts';

const root = join(import.meta.dirname, '..', '..');
export const operatorFile = join(root, 'src', 'operator.ts');
const preload = join(import.meta.dirname, 'set-clock.ts');

export interface Replica {
  readonly proxy: FaultProxy;
  /** Kills it as a node failure does; it is started again. */
  kill(): void;
  /** Stops it where it is, as a hypervisor does, and lets it continue. */
  freeze(): void;
  thaw(): void;
  setClocks(ahead: Ahead): Promise<void>;
  /** The value of a metric, summed over its series whose labels match; 0 while the process does not answer. */
  metric(name: string, labels?: RegExp): Promise<number>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

export type ReplicaOptions = {
  readonly plane: ControlPlane;
  readonly name: string;
  readonly namespace: string;
  /** Called with each write that the apiserver has answered, but for those of the lease. */
  readonly onWrite: (write: string) => void;
};

/** A container that ends is started again after a moment. */
const restartMs = 500;

export const startReplica = async ({
  plane: { kubeconfig, folder },
  name,
  namespace,
  onWrite,
}: ReplicaOptions): Promise<Replica> => {
  const proxy = await startFaultProxy({ kubeconfig, folder, name });
  proxy.onWritten = ({ method, path }) => {
    if (!path.includes('/leases')) onWrite(`${method} ${path}`);
  };
  const port = await freePort();
  const flags = [...flagsFor(namespace), '--metrics-bind', `127.0.0.1:${port}`];
  let stopped = false;
  let running: ChildProcess;
  const start = (): void => {
    const argv = ['--import', preload, operatorFile, ...flags];
    const env = { ...process.env, KUBECONFIG: proxy.kubeconfig };
    running = tied(spawn(process.execPath, argv, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }));
    running.once('exit', () => {
      if (!stopped) setTimeout(() => stopped || start(), restartMs);
    });
  };
  start();
  return {
    proxy,
    kill: () => running.kill('SIGKILL'),
    freeze: () => running.kill('SIGSTOP'),
    thaw: () => running.kill('SIGCONT'),
    setClocks: async (ahead) => {
      const answered = Promise.race([once(running, 'message'), once(running, 'exit')]);
      running.send(ahead, () => {}); // An error means that it has just ended.
      await answered;
    },
    metric: (metric, labels = /.*/) => metricOf(port, metric, labels),
    stop: async () => {
      stopped = true;
      running.kill('SIGKILL');
      await proxy.close();
    },
  };
};

const flagsFor = (namespace: string): readonly string[] => [
  ...['--leader-elect', '--lease-namespace', namespace, '--namespace', namespace],
  ...['--probe-bind', '127.0.0.1:0'],
];

const metricOf = async (port: number, metric: string, labels: RegExp): Promise<number> => {
  try {
    const signal = AbortSignal.timeout(2000);
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal })).text();
    return page
      .split('\n')
      .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
      .filter((line) => labels.test(line))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  } catch {
    return 0; // It is starting, frozen, or gone.
  }
};

/** The replica that holds the lease, by its own metric. */
export const leaderOf = async (replicas: readonly Replica[]): Promise<Replica> => {
  for (;;) {
    for (const replica of replicas)
      if ((await replica.metric('leader_election_master_status')) === 1) return replica;
    await sleep(200);
  }
};

/** Waits until another replica than this one leads. */
export const successorOf = async (leader: Replica, replicas: readonly Replica[]): Promise<Replica> => {
  const others = replicas.filter((replica) => replica !== leader);
  return leaderOf(others);
};
