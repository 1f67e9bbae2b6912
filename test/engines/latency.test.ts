/** Latency on a clock that only networks move. */
import test from 'ava';
import { blankImages, measureMedianLatencies } from '../../src/graph/inference/latency.ts';
import type { Session } from '../../src/graph/inference/session.ts';

/** Sessions whose runs take these milliseconds, repeated from the start, and the order in which they ran. */
const sessionsOf = (...durations: readonly (readonly number[])[]) => {
  let now = 0;
  const order: number[] = [];
  const sessions = durations.map((each, index): Session => {
    let runs = 0;
    const run = async () => {
      now += each[runs++ % each.length]!;
      order.push(index);
      return {};
    };
    return { inputs: [], outputs: [], run, release: async () => {} };
  });
  return { sessions, order, clock: { now: () => now } };
};

const measure = ({ sessions, clock }: ReturnType<typeof sessionsOf>) =>
  measureMedianLatencies(sessions, { inputName: 'x', images: blankImages([1, 1, 1, 1]), clock });

test('a network of 8 ms and more runs once to load the caches, and three times to be measured', async (t) => {
  const slow = sessionsOf([40, 8, 9, 8.5], [200, 70, 74, 71]);
  t.deepEqual(await measure(slow), [8500, 71_000]);
  t.deepEqual(slow.order, [0, 0, 0, 0, 1, 1, 1, 1]);
});

test('networks of 4 ms take two turns each, and the first run of each turn is not counted', async (t) => {
  const middling = sessionsOf([5, 4, 4, 4], [9, 4.5, 4.5, 4.5]);
  t.deepEqual(await measure(middling), [4000, 4500]);
  t.deepEqual(middling.order, [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
});

test('small networks run fifteen times, and one outlier does not count', async (t) => {
  const small = sessionsOf([1, 0.25, 0.25, 0.25, 0.25, 40]);
  t.deepEqual(await measure(sessionsOf([0.25])), [250]);
  t.deepEqual(await measure(small), [250]);
  const both = sessionsOf([0.25], [0.5]);
  t.deepEqual(await measure(both), [250, 500]);
  t.is(both.order.length, 2 * 5 * 4);
});
