/** Faults and idleness, with a real operator and a real apiserver. `npm run outages` takes longer. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import { eventually } from '../cluster/run.ts';
import { play, quickFaults } from './faults.ts';
import { type Storm, startStorm } from './storm.ts';

let storm: Storm;
const never = new AbortController().signal;
const namespace = 'default';

test.before(async () => {
  storm = await startStorm({ replicas: 1, exportsPerRound: 6 });
});
test.after.always(() => storm?.stop());

/** Long enough for each fault to affect requests. */
const briefMs = 800;

test.serial('with network faults, exports complete, no Job runs twice and no result is lost', async (t) => {
  t.timeout(180_000);
  await storm.weather(async () => {
    for (const fault of quickFaults) {
      await play([storm.replicas[0]!.proxy], { ...fault, ms: Math.min(fault.ms, briefMs) });
      await sleep(200);
    }
  });
  t.deepEqual(storm.guard.broken, []);
});

test.serial('the same holds if the operator is killed in between', async (t) => {
  t.timeout(180_000);
  await storm.weather(async () => {
    await sleep(1000);
    storm.replicas[0]!.replace();
  });
  t.deepEqual(storm.guard.broken, []);
});

/** Reconciles, requests and processor seconds in this many milliseconds. */
const costOf = async (ms: number) => {
  const { metric, proxy } = storm.replicas[0]!;
  const figures = async () => ({
    reconciles: await metric('controller_runtime_reconcile_total'),
    cpu: await metric('process_cpu_seconds_total'),
  });
  let requests = 0;
  const { fault } = proxy;
  proxy.fault = (request, response) => {
    if (!request.url!.includes('/leases')) requests++;
    return fault(request, response);
  };
  const before = await figures();
  await sleep(ms);
  const after = await figures();
  proxy.fault = fault;
  return {
    requests,
    reconciles: after.reconciles - before.reconciles,
    cpu: after.cpu - before.cpu,
  };
};

test.serial(
  'after completion the operator neither reads nor writes, even if all pods are deleted',
  async (t) => {
    t.timeout(60_000);
    const list = async (kind: 'pods' | 'jobs') =>
      ((await storm.client.list(jobResources[kind], { namespace }, never)) as { items: object[] }).items;
    const pods = (await list('pods')) as { metadata: { name: string } }[];
    t.true(pods.length >= 12);
    for (const { metadata } of pods)
      await storm.client.remove(jobResources.pods, { namespace, name: metadata.name }, never);
    await eventually('the pods to be gone', async () => (await list('pods')).length === 0 || undefined);
    t.true((await list('jobs')).length >= 12, 'their Jobs are still here');
    t.deepEqual(await storm.writesWhenQuiet(1000), []);
    const cost = await costOf(8000);
    t.is(cost.reconciles, 0);
    t.true(cost.requests <= 1, `${cost.requests} requests in 8 s: at most a watch that was opened again`);
    t.true(cost.cpu < 0.8, `${cost.cpu} s of the processor in 8 s`);
  },
);

test.serial('watches that close at once cause no busy loop', async (t) => {
  t.timeout(60_000);
  const { proxy } = storm.replicas[0]!;
  proxy.fault = (request, response) => {
    if (!request.url!.includes('watch=true')) return 'pass';
    response.writeHead(200).end();
    return 'handled';
  };
  proxy.cut();
  const cost = await costOf(10_000);
  proxy.fault = () => 'pass';
  t.true(cost.requests <= 6 * 12, `${cost.requests} requests of six caches in 10 s`);
  t.true(cost.cpu < 2, `${cost.cpu} s of the processor in 10 s`);
});
