/** Faults of processes, clocks and the control plane itself: what no proxy can play. */
import { setTimeout as sleep } from 'node:timers/promises';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { Fault, FaultProxy } from '../runtime/fault-proxy.ts';
import { leaderOf, type Replica, successorOf } from './replica.ts';
import { namespace, type Testbed } from './testbed.ts';

export type Disturbance = { readonly name: string; readonly inject: (testbed: Testbed) => Promise<void> };

const anHourMs = 3_600_000;

const disconnected: Fault = (_request, response) => {
  response.destroy();
  return 'handled';
};

const withFault = async (
  proxies: readonly FaultProxy[],
  fault: Fault,
  meanwhile: () => Promise<void>,
): Promise<void> => {
  for (const proxy of proxies) {
    proxy.fault = fault;
    proxy.cut();
  }
  await meanwhile();
  for (const proxy of proxies) proxy.fault = () => 'pass';
};

/** By etcd's JSON gateway: all revisions before the present one are forgotten, as the apiserver does every five minutes. */
export const compactEtcd = async (etcdUrl: string): Promise<void> => {
  const ask = async (path: string, body: object) => {
    const answer = await fetch(`${etcdUrl}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    return (await answer.json()) as { readonly header: { readonly revision: string } };
  };
  const { header } = await ask('range', { key: Buffer.from('/').toString('base64') });
  await ask('compaction', { revision: header.revision, physical: true });
};

/** Stops the leader for longer than its lease. @returns the replica that led before it continued; undefined if none did */
export const freezeLeader = async ({ replicas }: Testbed, ms: number): Promise<Replica | undefined> => {
  const leader = await leaderOf(replicas);
  leader.freeze();
  const time = sleep(ms, undefined);
  const successor = await Promise.race([successorOf(leader, replicas), time]);
  await time;
  leader.thaw();
  return successor;
};

const partitionLeader = async ({ replicas }: Testbed, ms: number): Promise<void> => {
  const leader = await leaderOf(replicas);
  await withFault([leader.proxy], disconnected, () => sleep(ms));
};

/** The apiserver comes back without the history that the caches of operators continue from: their watches get a 410. */
const restartCompacted = ({ plane, replicas }: Testbed): Promise<void> => {
  const restart = () => plane.restartApiserver(() => compactEtcd(plane.etcdUrl));
  return withFault(proxiesOf(replicas), disconnected, async () => {
    await sleep(1500);
    await restart();
  });
};

const proxiesOf = (replicas: readonly Replica[]) => replicas.map(({ proxy }) => proxy);

const jumpWallClock = async ({ replicas }: Testbed): Promise<void> => {
  const leader = await leaderOf(replicas);
  for (const wallMs of [anHourMs, -anHourMs, 0]) {
    await leader.setClocks({ wallMs });
    await sleep(2500);
  }
};

let hours = 0;

/** Half of all events never arrive. What they said is found out by the list that each cache takes every ten hours. */
const loseEvents = async ({ replicas }: Testbed): Promise<void> => {
  const lossy: Fault = ({ url = '' }) => (url.includes('watch=true') ? 'lossy' : 'pass');
  await withFault(proxiesOf(replicas), lossy, () => sleep(3000));
  hours += 12;
  await Promise.all(replicas.map((replica) => replica.setClocks({ elapsedMs: hours * anHourMs })));
  for (const { proxy } of replicas) proxy.cut();
};

const quotas = { group: '', version: 'v1', plural: 'resourcequotas' } as const;

/** A real quota that counts one Job more than there are, for some seconds. */
const imposeQuota = async ({ client }: Testbed): Promise<void> => {
  const signal = AbortSignal.timeout(30_000);
  const { items } = (await client.list(jobResources.jobs, { namespace }, signal)) as {
    readonly items: readonly object[];
  };
  const spec = { hard: { 'count/jobs.batch': String(items.length + 1) } };
  await client.create(quotas, { namespace }, { metadata: { name: 'few' }, spec }, signal);
  await sleep(5000);
  await client.remove(quotas, { namespace, name: 'few' }, signal);
};

export const apiserverRestart: Disturbance = {
  name: 'the apiserver is killed and comes back',
  inject: ({ plane }) => plane.restartApiserver(),
};
export const compaction: Disturbance = {
  name: 'the apiserver comes back over a compacted etcd',
  inject: restartCompacted,
};
export const frozenLeader = (ms: number): Disturbance => ({
  name: `the leader is stopped for ${ms / 1000} s by SIGSTOP`,
  inject: async (testbed) => void (await freezeLeader(testbed, ms)),
});
export const partitionedLeader = (ms: number): Disturbance => ({
  name: `the leader is cut off for ${ms / 1000} s`,
  inject: (testbed) => partitionLeader(testbed, ms),
});
export const clockJump: Disturbance = {
  name: "the leader's wall clock jumps an hour ahead, then two hours back",
  inject: jumpWallClock,
};
export const lostEvents: Disturbance = { name: 'every second event is lost', inject: loseEvents };
export const quota: Disturbance = { name: 'a quota on Jobs for 5 s', inject: imposeQuota };

/** @param random in [0, 1): which replica, and when */
export const killed = (random: () => number): Disturbance => ({
  name: 'a replica is killed',
  inject: async ({ replicas }) => {
    await sleep(random() * 3000);
    replicas[Math.floor(random() * replicas.length)]!.kill();
  },
});
export const allKilled: Disturbance = {
  name: 'all replicas are killed',
  inject: async ({ replicas }) => {
    await sleep(1000);
    for (const replica of replicas) replica.kill();
  },
};
