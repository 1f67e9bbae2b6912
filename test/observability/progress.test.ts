/** Progress of several kinds of work without a terminal: each line names its work. */
import { Writable } from 'node:stream';
import test from 'ava';
import { makeProgresses } from '../../src/ground/observability/progress.ts';

test('each kind of work logs rate and remaining time at its start, every five seconds, and at its end', (t) => {
  let [now, text] = [0, ''];
  const stream = new Writable({
    write: (chunk, _, done) => {
      text += chunk;
      done();
    },
  }) as NodeJS.WriteStream;
  const { update, stop } = makeProgresses({ label: 'Calibrating', terminal: false, stream, now: () => now });
  for (let done = 1; done <= 8; done++) {
    now += 1000;
    update(done, 8);
  }
  update(1, 4, 'Comparing layers');
  now += 1000;
  update(2, 4, 'Comparing layers');
  update(4, 4, 'Comparing layers');
  stop();
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  t.deepEqual(lines, [
    { progress: 'Calibrating', done: 1, total: 8, seconds: 0 },
    { progress: 'Calibrating', done: 6, total: 8, seconds: 5, perSecond: 1, secondsLeft: 2 },
    { progress: 'Calibrating', done: 8, total: 8, seconds: 7, perSecond: 1, secondsLeft: 0 },
    { progress: 'Comparing layers', done: 1, total: 4, seconds: 0 },
    { progress: 'Comparing layers', done: 4, total: 4, seconds: 1, perSecond: 3, secondsLeft: 0 },
  ]);
});
