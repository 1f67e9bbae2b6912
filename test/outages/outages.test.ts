/**
 * Faults, and the absence of anything to do, against real operators and a real apiserver: each kind for a moment.
 * `npm run outages` plays them longer and in an order of chance, `npm run outages:idle` waits for minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { clockJump, compaction, frozenLeader, lostEvents } from './blows.ts';
import { play, quickFaults } from './faults.ts';
import { costIn, situations } from './idle.ts';
import { leaderOf } from './replica.ts';
import { type Storm, startStorm } from './storm.ts';

let storm: Storm;

test.before(async () => {
  storm = await startStorm({ replicas: 2, exportsPerRound: 6 });
});
test.after.always(() => storm?.stop());

/** Long enough that each meets requests. */
const briefMs = 800;

test.serial('with network faults, exports complete, no Job runs twice and no result is lost', async (t) => {
  t.timeout(240_000);
  await storm.weather(async () => {
    for (const fault of quickFaults) {
      const proxies = storm.replicas.map(({ proxy }) => proxy);
      await play(proxies, { ...fault, ms: Math.min(fault.ms, briefMs) });
      await sleep(200);
    }
  });
  t.deepEqual(storm.guard.broken, []);
});

test.serial(
  'the same holds if the leader is killed while the apiserver restarts over a compacted etcd; every cache lists again',
  async (t) => {
    t.timeout(240_000);
    const leader = await leaderOf(storm.replicas);
    const standby = storm.replicas.find((replica) => replica !== leader)!;
    const expired = () => standby.metric('modelexport_informer_watch_restarts_total', /reason="expired"/);
    const before = await expired();
    await storm.weather(async () => {
      leader.kill();
      await compaction.strike(storm);
    });
    t.true((await expired()) > before, 'the 410 came from the apiserver');
    t.deepEqual(storm.guard.broken, []);
  },
);

test.serial(
  "the same holds if events are lost for good and the leader's clock jumps by an hour",
  async (t) => {
    t.timeout(240_000);
    await storm.weather(async () => {
      await clockJump.strike(storm);
      await lostEvents.strike(storm);
    });
    t.deepEqual(storm.guard.broken, []);
  },
);

/** Longer than the lease of 15 s and the 2 s after which a replica looks at it again. */
const frozen = frozenLeader(20_000);

test.serial(`the same holds if ${frozen.name}; another replica takes over`, async (t) => {
  t.timeout(240_000);
  const leader = await leaderOf(storm.replicas);
  await storm.weather(() => frozen.strike(storm));
  t.not(await leaderOf(storm.replicas), leader);
  t.deepEqual(storm.guard.broken, []);
});

const idleMs = 3000;

for (const situation of situations)
  test.serial(`nothing to do costs nothing: ${situation.name}`, async (t) => {
    t.timeout(60_000);
    const { writes, reconciles, requests, cpuSeconds } = await costIn(storm, situation, idleMs);
    t.deepEqual(writes, []);
    t.is(reconciles, 0);
    t.true(requests <= situation.requestsIn(idleMs), `${requests} requests`);
    t.true(cpuSeconds < idleMs / 1000 / 5, `${cpuSeconds} s of the processor`);
  });
