import test from 'ava';
import fc from 'fast-check';
import { BitCounter } from '../../src/calibration/histograms/bit-counter.ts';
import { takeTable } from '../../src/calibration/histograms/counter-table.ts';
import { clipHistogram } from '../../src/calibration/histograms/derived.ts';
import { lowerEdge } from '../../src/calibration/histograms/float-bits.ts';
import { addHistograms, emptyHistogram } from '../../src/calibration/histograms/histogram.ts';
import { toLinearBins } from '../../src/calibration/histograms/linear-bins.ts';
import { ValueMemory } from '../../src/calibration/histograms/value-memory.ts';
import { seededRandom, shuffle } from '../../src/ground/base/rng.ts';
import { histogramOf } from '../builders/histogram.ts';

const floats = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 200 });

test('histograms of parts, added or summed in any order, equal the histogram of the whole', (t) => {
  fc.assert(
    fc.property(floats, floats, (one, other) => {
      const whole = histogramOf([...one, ...other]);
      t.deepEqual(histogramOf(one, other), whole);
      t.deepEqual(addHistograms(histogramOf(other), histogramOf(one)), whole);
      t.deepEqual(addHistograms(emptyHistogram, whole), whole);
    }),
    { numRuns: 50 },
  );
});

test('every value is between the edges of its bin, and negative bins mirror positive ones', (t) => {
  fc.assert(
    fc.property(fc.float({ min: Math.fround(2 ** -130), noNaN: true, noDefaultInfinity: true }), (value) => {
      const [bin] = histogramOf([value]).bins;
      t.true(lowerEdge(bin!) <= value && value < lowerEdge(bin! + 1));
      t.is(histogramOf([-value]).bins[0], -bin!);
    }),
  );
});

test('smallest, largest and largest absolute value are exact, whatever the signs', (t) => {
  fc.assert(
    fc.property(floats, (values) => {
      const { min, max, absoluteMax, total } = histogramOf(values);
      t.is(min, Math.min(...values) + 0);
      t.is(max, Math.max(...values) + 0);
      t.is(absoluteMax, Math.max(...values.map(Math.abs)));
      t.is(total, values.length);
    }),
  );
});

test('values in the block are counted where they are, whatever their number and place', (t) => {
  fc.assert(
    fc.property(floats, fc.nat(20), (values, before) => {
      const memory = new ValueMemory(4 * 300);
      const placed = new Float32Array(
        memory.block.buffer,
        memory.block.byteOffset + 4 * before,
        values.length,
      );
      placed.set(values);
      const counter = new BitCounter(takeTable(memory));
      counter.add(placed);
      t.deepEqual(counter.histogram(), histogramOf(values));
      t.true(
        memory.stage.subarray(4).every((bits) => bits === 0),
        'only the last values are copied',
      );
    }),
    { numRuns: 30 },
  );
});

test('magnitudes are the histogram of the absolute values', (t) => {
  fc.assert(
    fc.property(floats, (values) => {
      const { bins, counts } = histogramOf(values.map(Math.abs));
      t.deepEqual(histogramOf(values).magnitudes, { bins, counts });
    }),
  );
});

const bounds = fc.float({ noNaN: true });

test('a clipped tensor has exactly the histogram that its values would have', (t) => {
  fc.assert(
    fc.property(floats, bounds, bounds, (values, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const values32 = values.map((value) => Math.min(Math.max(value, low), high));
      if (values32.some((value) => !Number.isFinite(value))) return;
      t.deepEqual(clipHistogram(histogramOf(values), { low, high }), histogramOf(values32));
    }),
  );
});

test('NaN and infinities of both signs are detected, and the worst kind is kept', (t) => {
  const worst = (...values: number[]) => new BitCounter().add(Float32Array.from(values));
  for (const bad of [Number.NaN, -Number.NaN]) {
    t.is(worst(1, bad, 2), 'NaN');
    t.is(worst(-1, bad, Number.POSITIVE_INFINITY), 'NaN');
  }
  for (const bad of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    t.is(worst(1, bad, 2), 'Infinite');
    t.is(worst(-1, bad, -2), 'Infinite');
  }
  t.is(worst(3.4028234663852886e38, -3.4028234663852886e38, 0, -0), 'Finite');
});

test('a histogram with infinities is not finite, sums with others, and is finite again once clipped', (t) => {
  const masked = histogramOf([1, Number.NEGATIVE_INFINITY, 2]);
  t.false(masked.isFinite);
  t.false(addHistograms(histogramOf([5]), masked).isFinite);
  const clippedAgain = clipHistogram(masked, { low: 0, high: Number.POSITIVE_INFINITY });
  t.true(clippedAgain.isFinite);
  t.deepEqual(clippedAgain, histogramOf([1, 0, 2]));
});

test('linear bins lose no value', (t) => {
  fc.assert(
    fc.property(floats, (values) => {
      const histogram = histogramOf(values);
      if (histogram.absoluteMax < 2 ** -30) return true;
      const { counts } = toLinearBins(histogram, 2048);
      return Math.abs(counts.reduce((sum, count) => sum + count, 0) - values.length) < 1e-6 * values.length;
    }),
  );
  t.pass();
});

test('a seed repeats its order, and another one gives another', (t) => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  t.deepEqual(shuffle(items, seededRandom(1)), shuffle(items, seededRandom(1)));
  t.notDeepEqual(shuffle(items, seededRandom(1)), shuffle(items, seededRandom(2)));
  t.deepEqual(
    shuffle(items, seededRandom(3)).sort((a, b) => a - b),
    items,
  );
});
