/**
 * When events are listed: only for objects that do not start, with growing intervals, and not at all once they start.
 */
import test from 'ava';
import { type StuckObject, Warnings } from '../../src/cluster/ownedjobs/warnings.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { HandClock } from '../base/hand-clock.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const never = new AbortController().signal;
const pod: StuckObject = { namespace: 'vision', uid: 'uid-pod' };

const aWorld = (items: () => readonly object[], listMs = 0) => {
  const clock = new HandClock();
  const asked: object[] = [];
  const list = async (_resource: object, at: object) => {
    asked.push(at);
    await clock.pass(listMs);
    return { items: items() };
  };
  return { clock, asked, warnings: new Warnings({ client: { list }, clock, log: silent }) };
};

const mount = (message: string, lastTimestamp: string) => ({ reason: 'FailedMount', message, lastTimestamp });

test('events of a pod that has waited for less than ten seconds are not listed', async (t) => {
  const { clock, asked, warnings } = aWorld(() => []);
  t.is(await warnings.look('vision/demo', [pod], never), 10_000);
  await clock.pass(9000);
  t.is(await warnings.look('vision/demo', [pod], never), 1000);
  t.is(await warnings.look('vision/demo', [], never), undefined);
  t.deepEqual(asked, []);
});

test('events of a pod that does not start are listed by its uid after 10 s, 30 s, 2 min, 10 min, then every half hour', async (t) => {
  const { clock, asked, warnings } = aWorld(() => []);
  const waits: number[] = [];
  for (let look = 0; look < 7; look++) {
    const wait = await warnings.look('vision/demo', [pod], never);
    waits.push(wait!);
    await clock.pass(wait!);
  }
  t.deepEqual(waits, [10_000, 20_000, 90_000, 480_000, 1_800_000, 1_800_000, 1_800_000]);
  t.is(asked.length, 6);
  t.deepEqual(asked[0], {
    namespace: 'vision',
    query: { fieldSelector: 'involvedObject.uid=uid-pod', limit: '100' },
  });
});

test('only events that explain the delay are kept, newest first', async (t) => {
  const { clock, warnings } = aWorld(() => [
    mount('older', '2026-01-01T00:00:00Z'),
    { reason: 'Pulled', message: 'pulled', lastTimestamp: '2026-01-03T00:00:00Z' },
    {
      reason: 'FailedScheduling',
      message: 'newest',
      eventTime: '2026-01-02T00:00:00.000000Z',
      lastTimestamp: null,
    },
  ]);
  await warnings.look('vision/demo', [pod], never);
  await clock.pass(10_000);
  await warnings.look('vision/demo', [pod], never);
  t.deepEqual(
    warnings.about('vision/demo', 'uid-pod').map(({ message }) => message),
    ['newest', 'older'],
  );
  t.deepEqual(warnings.about('vision/other', 'uid-pod'), []);
  await warnings.look('vision/demo', [], never);
  t.deepEqual(warnings.about('vision/demo', 'uid-pod'), [], 'forgotten once it is not stuck any more');
});

test('a failure to list events is not an error, and keeps the previous ones', async (t) => {
  let fails = false;
  const { clock, warnings } = aWorld(() => {
    if (fails) throw new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
    return [mount('known', '2026-01-01T00:00:00Z')];
  });
  await warnings.look('vision/demo', [pod], never);
  await clock.pass(10_000);
  await warnings.look('vision/demo', [pod], never);
  fails = true;
  await clock.pass(20_000);
  t.is(await warnings.look('vision/demo', [pod], never), 90_000);
  t.is(warnings.about('vision/demo', 'uid-pod').length, 1);
});

/** A thousand Jobs without a pod, for 40 s. */
const runBusyPlane = async (listMs: number) => {
  const { clock, asked, warnings } = aWorld(() => [], listMs);
  let looks = 0;
  const look = (i: number) => {
    looks++;
    return warnings.look(`vision/export-${i}`, [{ namespace: 'vision', uid: `uid-${i}` }], never);
  };
  const dueMs = new Map(Array.from({ length: 1000 }, (_, i) => [i, 0]));
  while (clock.elapsed() < 40_000) {
    for (const [i, due] of dueMs)
      if (due <= clock.elapsed()) dueMs.set(i, clock.elapsed() + (await look(i))!);
    await clock.pass(1000);
  }
  return { lists: asked.length, looks };
};

test('a thousand Jobs without a pod cost at most two lists of events per second', async (t) => {
  const { lists, looks } = await runBusyPlane(0);
  t.true(lists > 0 && lists <= 80, `${lists} lists`);
  t.true(looks <= 5000, `${looks} looks`);
});

test('lists of events take at most a fiftieth of the time, but one is sent every ten seconds', async (t) => {
  const quick = await runBusyPlane(100);
  t.true(quick.lists >= 3 && quick.lists <= 8, `${quick.lists} lists`);
  const slow = await runBusyPlane(2000);
  t.true(slow.lists >= 2 && slow.lists <= 4, `${slow.lists} lists`);
});
