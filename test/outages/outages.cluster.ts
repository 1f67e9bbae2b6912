/**
 * Faults, and the absence of anything to do, against real operators and a real apiserver: each kind for a moment.
 * `npm run outages` injects them longer and in random order, `npm run outages:idle` waits for minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { clockJump, compaction, freezeLeader, frozenLeader, lostEvents } from './disturbances.ts';
import { costIn, situations } from './idle.ts';
import { injectFault, quickFaults } from './network-faults.ts';
import { leaderOf } from './replica.ts';
import { startTestbed, type Testbed } from './testbed.ts';

let testbed: Testbed;

test.before(async () => {
  testbed = await startTestbed({ replicas: 2, exportsPerRound: 6 });
});
test.after.always(() => testbed?.stop());

/** Long enough that each meets requests. */
const briefMs = 800;

test.serial('with network faults, exports complete, no Job runs twice and no result is lost', async (t) => {
  t.timeout(240_000);
  await testbed.runRound(async () => {
    for (const fault of quickFaults) {
      const proxies = testbed.replicas.map(({ proxy }) => proxy);
      await injectFault(proxies, { ...fault, ms: Math.min(fault.ms, briefMs) });
      await sleep(200);
    }
  });
  t.deepEqual(testbed.invariants.violations, []);
});

test.serial(
  'the same holds if the leader is killed while the apiserver restarts over a compacted etcd; every cache lists again',
  async (t) => {
    t.timeout(240_000);
    const leader = await leaderOf(testbed.replicas);
    const standby = testbed.replicas.find((replica) => replica !== leader)!;
    const expired = () => standby.metric('modelexport_informer_watch_restarts_total', /reason="expired"/);
    const before = await expired();
    await testbed.runRound(async () => {
      leader.kill();
      await compaction.inject(testbed);
    });
    t.true((await expired()) > before, 'the 410 came from the apiserver');
    t.deepEqual(testbed.invariants.violations, []);
  },
);

test.serial(
  "the same holds if events are lost for good and the leader's clock jumps by an hour",
  async (t) => {
    t.timeout(240_000);
    await testbed.runRound(async () => {
      await clockJump.inject(testbed);
      await lostEvents.inject(testbed);
    });
    t.deepEqual(testbed.invariants.violations, []);
  },
);

/** Longer than the lease of 15 s and the 2 s after which a replica looks at it again. */
const frozenMs = 20_000;

test.serial(`the same holds if ${frozenLeader(frozenMs).name}; another replica takes over`, async (t) => {
  t.timeout(240_000);
  await testbed.runRound(async () => {
    t.truthy(await freezeLeader(testbed, frozenMs), 'another replica leads while the leader is stopped');
  });
  t.deepEqual(testbed.invariants.violations, []);
});

const idleMs = 3000;

for (const situation of situations)
  test.serial(`nothing to do costs nothing: ${situation.name}`, async (t) => {
    t.timeout(60_000);
    const { writes, reconciles, requests, cpuSeconds } = await costIn(testbed, situation, idleMs);
    t.deepEqual(writes, []);
    t.is(reconciles, 0);
    t.true(requests <= situation.requestsIn(idleMs), `${requests} requests`);
    t.true(cpuSeconds < idleMs / 1000 / 5, `${cpuSeconds} s of the processor`);
  });
