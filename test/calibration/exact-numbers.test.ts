/** Histograms and thresholds whose numbers are calculated by hand. */
import test from 'ava';
import { BitCounter } from '../../src/calibration/histograms/bit-counter.ts';
import { takeTable } from '../../src/calibration/histograms/counter-table.ts';
import { clipHistogram } from '../../src/calibration/histograms/derived.ts';
import { bestEdge, divergencesOf, entropyThreshold } from '../../src/calibration/histograms/entropy.ts';
import { binOf, lowerEdge } from '../../src/calibration/histograms/float-bits.ts';
import { addHistograms, emptyHistogram } from '../../src/calibration/histograms/histogram.ts';
import { percentileThreshold } from '../../src/calibration/histograms/percentile.ts';
import { leastSquaresThreshold, Moments } from '../../src/calibration/histograms/squared-error.ts';
import { isSearch } from '../../src/calibration/histograms/thresholds.ts';
import { histogramOf } from '../builders/histogram.ts';

test('counts that are moved to exact sums on the way are the same', (t) => {
  const parts = [[1, -2], new Array<number>(200).fill(3), [0.5, -7], new Array<number>(250).fill(3), [5]];
  const counter = new BitCounter(takeTable(), 255);
  for (const part of parts) counter.add(Float32Array.from(part));
  t.deepEqual(counter.histogram(), histogramOf(parts.flat()));
  t.deepEqual(counter.histogram(), histogramOf(parts.flat()), 'asked again');
});

test('counters are moved before one could overflow and no sooner, because that takes as long as 2^18 values', (t) => {
  const countMoves = (lengths: readonly number[], spillAt?: number): number => {
    let moves = 0;
    const table = takeTable();
    const fill = (value: number) => {
      moves++;
      return Uint32Array.prototype.fill.call(table.counts, value);
    };
    Object.assign(table.counts, { fill });
    const counter = new BitCounter(table, spillAt);
    for (const length of lengths) counter.add(new Float32Array(length).fill(3));
    const total = lengths.reduce((sum, length) => sum + length, 0);
    t.deepEqual([...counter.histogram().counts], [total]);
    return moves;
  };
  t.is(countMoves([200, 55], 255), 0);
  t.is(countMoves([200, 56], 255), 1);
  t.is(countMoves([200, 57], 255), 1);
  t.is(countMoves([200, 100, 100, 56], 255), 2);
  t.is(countMoves([200, 100, 1000]), 0);
});

test('ranges of one sign, and with zeros of both signs, are exact', (t) => {
  const range = (...values: number[]) => {
    const { min, max } = histogramOf(values);
    return [min, max];
  };
  t.deepEqual(range(2, 5, 3), [2, 5]);
  t.deepEqual(range(-2, -5, -3), [-5, -2]);
  t.deepEqual(range(-0, 1), [0, 1]);
  t.deepEqual(range(-1, 0), [-1, 0]);
  t.deepEqual(range(-0), [0, 0]);
  t.deepEqual(range(), [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  const two = new BitCounter();
  two.add(Float32Array.of(4));
  two.add(Float32Array.of(3, 6));
  t.deepEqual([two.histogram().min, two.histogram().max], [3, 6]);
});

test('an empty histogram changes no sum, and none is copied for it', (t) => {
  const some = histogramOf([1, 2]);
  t.is(addHistograms(some, emptyHistogram), some);
  t.is(addHistograms(emptyHistogram, some), some);
  t.deepEqual([emptyHistogram.min, emptyHistogram.max], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  t.is(clipHistogram(emptyHistogram, { low: 0, high: 1 }), emptyHistogram);
});

test('a clip that cuts nothing returns the histogram itself, so that both tensors share their threshold', (t) => {
  const some = histogramOf([-1, 2]);
  t.is(clipHistogram(some, { low: -1, high: 2 }), some);
  t.not(clipHistogram(some, { low: -1, high: 1.5 }), some);
  t.not(clipHistogram(some, { low: -0.5, high: 2 }), some);
  t.is(clipHistogram(histogramOf([-2, -1]), { low: -0, high: 5 }).min, 0);
});

test('a bin is 2^14 of a float’s bits: 512 to each power of two', (t) => {
  t.is(binOf(1), 0x3f800000 / 2 ** 14);
  t.is(binOf(2) - binOf(1), 512);
  t.is(lowerEdge(binOf(1) + 1), 1 + 1 / 512);
  t.is(lowerEdge(0), 0);
});

/** One in each of the first `filled` bins of 2048. */
const evenly = (filled: number) => Float64Array.from({ length: 2048 }, (_, bin) => (bin < filled ? 1 : 0));
const near = (found: number, expected: number) => Math.abs(found - expected) < 1e-12;

test('the divergence of 256 equal bins, of which 128 are kept, is that of the clipped half in the last bin', (t) => {
  const counts = evenly(256);
  const divergences = divergencesOf(counts);
  // P: 127 bins of 1/256, one of 129/256; Q: 128 bins of 1/128.
  const expected = (127 * Math.log(1 / 2) + 129 * Math.log(129 / 2)) / 256;
  t.true(near(divergences[128]!, expected), `${divergences[128]}, by hand ${expected}`);
  // P and Q are equal.
  t.true(near(divergences[256]!, 0), `${divergences[256]}`);
});

test('the counts given stay as they are, and 128 bins are kept where larger groups would mix what differs', (t) => {
  const counts = Float64Array.from({ length: 2048 }, (_, bin) => (bin < 128 ? [1, 1000][bin % 2]! : 0));
  counts[2047] = 1;
  const before = counts.slice();
  t.is(bestEdge(counts), 128);
  t.deepEqual(counts, before);
});

test('an empty last bin with clipped mass costs as much as Q’s 1e-4 there', (t) => {
  // 128 bins of 1 and nothing but one value in the last bin of all; 200 bins kept: P has it in bin 199.
  const counts = evenly(128);
  counts[2047] = 1;
  // Q spreads each group of one or two bins over its filled bins, all with mass 1, so that only bin 199 differs.
  const expected = (0 - Math.log(1e-4)) / 129 - Math.log(129) + Math.log(128);
  t.true(near(divergencesOf(counts)[200]!, expected), `${divergencesOf(counts)[200]}, by hand ${expected}`);
});

test('bins below the first value rule a threshold out', (t) => {
  const counts = new Float64Array(2048);
  counts[2000] = 5;
  t.is(divergencesOf(counts)[2000], Number.POSITIVE_INFINITY);
  t.is(bestEdge(counts), 2048);
});

test('entropy keeps a constant, zeros and an even distribution whole', (t) => {
  t.is(entropyThreshold(histogramOf([5, 5, 5])), 5);
  t.is(entropyThreshold(histogramOf([0, 0])), 0);
  t.is(entropyThreshold(emptyHistogram), 0);
  t.is(bestEdge(evenly(2048)), 2048);
});

test('a percentile interpolates inside its bin, by the share of the count that is left', (t) => {
  // 1 and 2 have bins of their own, [1, 1 + 1/512) and [2, 2 + 1/256).
  const histogram = histogramOf([1, 1, 1, 1, 2, 2, 2, 2, 9]);
  t.is(percentileThreshold(histogram, 2 / 9), 1 + 0.5 / 512);
  t.is(percentileThreshold(histogram, 4 / 9), 1 + 1 / 512);
  t.is(percentileThreshold(histogram, 6 / 9), 2 + 0.5 / 256);
  t.is(percentileThreshold(histogramOf([0, 0, 0, 3]), 0.5), 0);
  t.is(percentileThreshold(histogramOf([3, 3]), 1), 3, 'at most the largest value');
  t.is(percentileThreshold(histogramOf([1, 2]), 1.5), 2);
  t.is(percentileThreshold(emptyHistogram, 0.5), 0);
});

/** Bins from 1 on whose centres are exact: bin of v is [v, v + w), its centre v + w / 2, unless v is the largest value. */
test('the mean squared error is that of the centres of the bins', (t) => {
  // Threshold 127: levels are the whole numbers. 64 has the bin [64, 64.125), centre 64.0625; 127 is the largest, so exact.
  const moments = new Moments(histogramOf([64, 127, 127, 127]));
  t.is(moments.errorAt(127), 0.0625 ** 2 / 4);
  t.is(moments.signal, (64.0625 ** 2 + 3 * 127 ** 2) / 4);
  // Threshold 63.5: levels are the halves up to 63.5; both values are clipped to it.
  t.is(moments.errorAt(63.5), (0.5625 ** 2 + 3 * 63.5 ** 2) / 4);
  // The centres 64.4375 and 64.5625 go to the levels 64 and 65.
  const around = new Moments(histogramOf([-64.4375, 64.5625, 127]));
  t.is(around.errorAt(127), (2 * 0.4375 ** 2) / 3);
});

test('zeros count for the mean and have no error', (t) => {
  const moments = new Moments(histogramOf([0, 0, 0, 127]));
  t.is(moments.errorAt(127), 0);
  t.is(moments.errorAt(63.5), 63.5 ** 2 / 4);
  t.is(moments.signal, 127 ** 2 / 4);
});

test('an error that reaches the limit is infinite, a smaller one is not', (t) => {
  const moments = new Moments(histogramOf([0, 0, 0, 127]));
  const error = 63.5 ** 2 / 4;
  t.is(moments.errorAt(63.5, error), Number.POSITIVE_INFINITY);
  t.is(moments.errorAt(63.5, error * 1.001), error);
});

test('nothing has no error and no signal; a threshold of 0 is that of zeros', (t) => {
  const nothing = new Moments(emptyHistogram);
  t.deepEqual([nothing.errorAt(1), nothing.signal, nothing.minimumErrorThreshold()], [0, 0, 0]);
  const zeros = new Moments(histogramOf([0, 0]));
  t.deepEqual([zeros.errorAt(0), zeros.signal, zeros.minimumErrorThreshold()], [0, 0, 0]);
});

test('of equal errors the largest threshold counts', (t) => {
  t.is(leastSquaresThreshold(histogramOf([254])), 254);
});

test('two methods search, two do not', (t) => {
  t.deepEqual(
    (['Entropy', 'Mse', 'Auto', 'MinMax', 'Percentile'] as const).map((each) => isSearch(each)),
    [true, true, true, false, false],
  );
});
