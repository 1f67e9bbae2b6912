/** Leader election while clocks jump: two processes with their own clocks, and one lease. */
import test from 'ava';
import { Registry } from 'prom-client';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Lease } from '../../src/cluster/runtime/lease.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { leaderMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

type Stored = { metadata: { resourceVersion: string }; spec: { holderIdentity?: string } };

/** One Lease object with optimistic concurrency, which is all that leader election requires of an apiserver. */
const aServer = () => {
  let stored: Stored | undefined;
  let version = 0;
  const store = (body: object): Stored => {
    stored = { ...(body as Stored), metadata: { resourceVersion: String(++version) } };
    return stored;
  };
  const clientOf = (reachable: () => boolean): KubeClient => {
    const reached = () => {
      if (!reachable()) throw new ApiError({ status: 0, reason: 'Unreachable', message: 'cut off' });
    };
    return {
      read: async () => {
        reached();
        if (!stored) throw new ApiError({ status: 404, reason: 'NotFound', message: 'no lease' });
        return stored;
      },
      create: async (_resource, _at, body) => {
        reached();
        store(body);
      },
      replace: async (_resource, _at, body) => {
        reached();
        if ((body as Stored).metadata.resourceVersion !== stored?.metadata.resourceVersion)
          throw new ApiError({ status: 409, reason: 'Conflict', message: 'changed' });
        store(body);
      },
    } as Partial<KubeClient> as KubeClient;
  };
  return { clientOf, store, holder: () => stored?.spec.holderIdentity };
};

const aProcess = (server: ReturnType<typeof aServer>, identity: string) => {
  const clock = new HandClock();
  const network = { up: true };
  const lease = new Lease(
    { namespace: 'default', name: 'one', identity },
    {
      client: server.clientOf(() => network.up),
      clock,
      log: silent,
      metrics: leaderMetrics(new Registry()),
    },
  );
  return { clock, lease, network };
};
type Process = ReturnType<typeof aProcess>;

/** Advances all clocks in small steps, so that each process renews and reads as often as it would. */
const pass = async (ms: number, ...processes: readonly Process[]): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const { clock } of processes) await clock.pass(500);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
};

const aPair = async () => {
  const server = aServer();
  const [leader, standby] = [aProcess(server, 'leader'), aProcess(server, 'standby')];
  const stop = new AbortController();
  await leader.lease.acquire(stop.signal);
  const kept = leader.lease.keep(stop.signal);
  const acquired = standby.lease.acquire(stop.signal).catch(() => {}); // Ends with the test.
  await pass(4000, leader, standby);
  return { server, leader, standby, stop: () => stop.abort(), kept, acquired };
};

test('a disconnected leader stops in time, even if its wall clock is set back an hour', async (t) => {
  const { leader, standby, stop } = await aPair();
  leader.network.up = false;
  leader.clock.set(-3_600_000);
  await pass(11_000, leader, standby);
  t.false(leader.lease.held);
  t.false(standby.lease.held, 'the lease has not run out yet');
  stop();
});

test('a resumed virtual machine does not hold the lease, although its monotonic clock stopped', async (t) => {
  const { leader, stop } = await aPair();
  leader.clock.set(60_000);
  t.false(leader.lease.held);
  stop();
});

test('a standby whose wall clock jumps ahead does not take a renewed lease', async (t) => {
  const { leader, standby, stop } = await aPair();
  standby.clock.set(3_600_000);
  await pass(20_000, leader, standby);
  t.true(leader.lease.held);
  t.false(standby.lease.held);
  stop();
});

test('after its wall clock jumps, a leader does not write until its next renewal', async (t) => {
  const { leader, standby, stop } = await aPair();
  leader.clock.set(3_600_000);
  t.false(leader.lease.held);
  await pass(2500, leader, standby);
  t.true(leader.lease.held);
  leader.clock.set(-7_200_000);
  await pass(2500, leader, standby);
  t.true(leader.lease.held);
  stop();
});

test('a leader that observes another holder stops at once', async (t) => {
  const { server, leader, kept, stop } = await aPair();
  server.store({ spec: { holderIdentity: 'somebody else' } });
  await pass(2000, leader);
  t.false(leader.lease.held);
  await kept;
  t.is(server.holder(), 'somebody else');
  stop();
});

test('the lease of a dead leader is taken within 15.5 s of its last renewal', async (t) => {
  const { leader, standby, stop, acquired } = await aPair();
  leader.network.up = false;
  await pass(15_500, leader, standby);
  t.true(standby.lease.held);
  t.false(leader.lease.held);
  await acquired;
  stop();
});
