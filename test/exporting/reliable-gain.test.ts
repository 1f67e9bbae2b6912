/** Which gains of accuracy are kept. */
import test from 'ava';
import { isReliableGain } from '../../src/export/pipeline/reliable-gain.ts';

const measured = (whole: number, ...halves: readonly number[]) => ({
  whole: { sqnrDb: whole },
  halves: halves.map((sqnrDb) => ({ sqnrDb })),
});
const before = measured(20, 19, 21);

test('a gain counts if it is half a decibel, on either half of the images', (t) => {
  t.true(isReliableGain(before, measured(20.5, 19.1, 21.1)));
  t.false(isReliableGain(before, measured(20.4, 19.3, 21.3)));
});

test('a gain on one half of the images alone does not count', (t) => {
  t.false(isReliableGain(before, measured(24, 18.9, 27)));
  t.false(isReliableGain(before, measured(24, 27, 21)));
});

test('nothing is gained over outputs that equal those of float', (t) => {
  const exact = measured(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  t.false(isReliableGain(exact, exact));
  t.true(isReliableGain(measured(20, 20), measured(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)));
});
