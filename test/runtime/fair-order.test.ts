/** A tenant with a thousand objects does not delay other tenants. */
import test from 'ava';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { FairOrder } from '../../src/cluster/runtime/fair-order.ts';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { queueMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

test('the queue takes namespaces in turn, and the oldest key of each', async (t) => {
  const metrics = queueMetrics(new Registry());
  const queue = new WorkQueue({ name: 'test', clock: new HandClock(), random: () => 0.5, metrics });
  for (let index = 0; index < 1000; index++) queue.add(`flood/${index}`);
  for (const key of ['calm/a', 'calm/b', 'other/a']) queue.add(key);
  const order: (string | undefined)[] = [];
  for (let taken = 0; taken < 6; taken++) order.push(await queue.take());
  t.deepEqual(order, ['flood/0', 'calm/a', 'other/a', 'flood/1', 'calm/b', 'flood/2']);
  t.is(queue.depth, 997);
});

test('cluster-scoped objects share one turn', (t) => {
  const order = new FairOrder();
  for (const key of ['a', 'b', 'ns/a']) order.set(key, 0);
  t.deepEqual(
    [order.take(), order.take(), order.take(), order.take()],
    [['a', 0], ['ns/a', 0], ['b', 0], undefined],
  );
});

const keys = fc.constantFrom('a/1', 'a/2', 'b/1', 'b/2', 'c/1');

test('no key is lost or repeated, for any order of adds and removes', (t) => {
  const steps = fc.array(fc.record({ key: keys, adds: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (sequence) => {
      const order = new FairOrder();
      const expected = new Set<string>();
      for (const { key, adds } of sequence) {
        if (adds) order.set(key, 1);
        else order.delete(key);
        if (adds) expected.add(key);
        else expected.delete(key);
      }
      t.is(order.size, expected.size);
      const taken: string[] = [];
      for (let next = order.take(); next; next = order.take()) taken.push(next[0]);
      t.deepEqual(taken.sort(), [...expected].sort());
      t.is(order.size, 0);
    }),
    { numRuns: 300 },
  );
});
