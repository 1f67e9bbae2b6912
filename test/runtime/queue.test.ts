import test from 'ava';
import { Registry } from 'prom-client';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { delayOf, reconcileBackoff } from '../../src/ground/base/backoff.ts';
import { queueMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const aQueue = () => {
  const clock = new HandClock();
  const queue = new WorkQueue({
    name: 'test',
    clock,
    random: () => 0.5,
    metrics: queueMetrics(new Registry()),
  });
  return { clock, queue };
};

test('a key that is added again while it waits is processed once', async (t) => {
  const { queue } = aQueue();
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
  t.is(queue.depth, 2);
  t.is(await queue.take(), 'a');
  t.is(await queue.take(), 'b');
  t.is(queue.depth, 0);
});

test('a key is never processed twice at a time, but again afterwards if it was added meanwhile', async (t) => {
  const { queue } = aQueue();
  queue.add('a');
  t.is(await queue.take(), 'a');
  queue.add('a');
  t.is(queue.depth, 0, 'it waits until the first is done');
  queue.done('a');
  t.is(await queue.take(), 'a');
});

test('changed objects go before objects of the first list', async (t) => {
  const { queue } = aQueue();
  queue.add('old', 'low');
  queue.add('older', 'low');
  queue.add('new');
  t.is(await queue.take(), 'new');
  t.is(await queue.take(), 'old');
  queue.add('older');
  t.is(queue.depth, 1, 'raised, not doubled');
});

test('an object without a status goes first', async (t) => {
  const { queue } = aQueue();
  queue.add('changed');
  queue.add('listed', 'low');
  queue.add('new', 'first');
  queue.add('listed', 'first');
  t.is(queue.depth, 3, 'raised, not doubled');
  t.is(await queue.take(), 'new');
  t.is(await queue.take(), 'listed');
  queue.add('listed', 'first');
  queue.done('listed');
  t.is(await queue.take(), 'listed', 'also if it was added while it was worked on');
  t.is(await queue.take(), 'changed');
});

test('a queue on hold drops its keys and ignores new ones until it resumes', async (t) => {
  const { queue, clock } = aQueue();
  queue.add('before');
  queue.addAfter('delayed before', 1000);
  queue.hold();
  queue.add('a');
  queue.addAfter('b', 1000);
  await clock.pass(2000);
  t.is(queue.depth, 0);
  queue.resume();
  queue.add('c');
  t.is(await queue.take(), 'c');
});

test('delays count elapsed time, regardless of the wall clock', async (t) => {
  const { queue, clock } = aQueue();
  queue.addAfter('a', 1000);
  clock.set(-3_600_000);
  queue.addAfter('a', 500);
  await clock.pass(500);
  t.is(queue.depth, 1);
});

test('a delayed key is due after its delay, and the earlier of two delays counts', async (t) => {
  const { queue, clock } = aQueue();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 5000);
  queue.addAfter('a', 200);
  await clock.pass(199);
  t.is(queue.depth, 0);
  await clock.pass(1);
  t.is(queue.depth, 1);
  await clock.pass(10_000);
  t.is(queue.depth, 1);
});

test('a reconcile covers what a delay was for', async (t) => {
  const { queue, clock } = aQueue();
  queue.addAfter('a', 1000);
  queue.add('a');
  await queue.take();
  queue.addAfter('a', 3000); // What happens during a reconcile may be too late for it.
  queue.done('a');
  await clock.pass(2999);
  t.is(queue.depth, 0);
  await clock.pass(1);
  t.is(queue.depth, 1);
});

test('a delayed key has one timer, which ends when the key is taken, dropped or due', async (t) => {
  const { queue, clock } = aQueue();
  for (const delay of [3000, 2000, 1000]) queue.addAfter('a', delay);
  t.is(clock.sleeping, 1);
  queue.add('a');
  await queue.take();
  t.is(clock.sleeping, 0, 'taken');
  queue.addAfter('a', 1000);
  queue.hold();
  t.is(clock.sleeping, 0, 'dropped on hold');
  queue.resume();
  queue.addAfter('a', 1000);
  await clock.pass(1000);
  t.is(clock.sleeping, 0, 'due');
  queue.addAfter('b', 1000);
  queue.stop();
  t.is(clock.sleeping, 0, 'stopped');
});

test('failures back off exponentially until they are forgotten', async (t) => {
  const { queue, clock } = aQueue();
  const waits: number[] = [];
  for (let failure = 0; failure < 4; failure++) {
    queue.retry('a');
    let waited = 0;
    while (queue.depth === 0) {
      await clock.pass(1);
      waited++;
    }
    waits.push(waited);
    queue.done((await queue.take())!);
  }
  t.deepEqual(waits, [5, 10, 20, 40]);
  queue.forget('a');
  queue.retry('a');
  await clock.pass(5);
  t.is(queue.depth, 1);
});

test('a retry waits at least as long as the server requests', async (t) => {
  const { queue, clock } = aQueue();
  queue.retry('a', 3000);
  await clock.pass(2999);
  t.is(queue.depth, 0);
  await clock.pass(1);
  t.is(queue.depth, 1);
});

test('a stopped queue hands out no key, and resolves pending takes', async (t) => {
  const { queue } = aQueue();
  const waiting = queue.take();
  queue.stop();
  t.is(await waiting, undefined);
  queue.add('a');
  t.is(await queue.take(), undefined);
});

test('backoff stays within its limits for any random number', (t) => {
  for (const random of [0, 0.5, 0.999]) {
    t.true(delayOf(reconcileBackoff, 1, random) >= 4);
    t.true(delayOf(reconcileBackoff, 1000, random) <= 1_200_000);
  }
});
