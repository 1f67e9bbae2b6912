import test from 'ava';
import fc from 'fast-check';
import { Histogram, lowerEdge } from '../../src/calibration/histogram.ts';
import { linearBins } from '../../src/calibration/linear-bins.ts';
import { seeded, shuffled } from '../../src/calibration/rng.ts';

const floats = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 200 });

const of = (...parts: readonly Float32Array[]): Histogram => {
  const histogram = new Histogram();
  for (const part of parts) histogram.add(part);
  return histogram;
};

const same = (a: Histogram, b: Histogram): boolean =>
  a.total === b.total &&
  a.min === b.min &&
  a.max === b.max &&
  Buffer.from(a.counts().buffer).equals(Buffer.from(b.counts().buffer));

test('histograms of parts, added or merged in any order, equal the histogram of the whole', (t) => {
  fc.assert(
    fc.property(floats, floats, (one, other) => {
      const whole = of(Float32Array.from([...one, ...other]));
      const merged = of(other);
      merged.merge(of(one));
      return same(whole, of(one, other)) && same(whole, merged);
    }),
    { numRuns: 50 },
  );
  t.pass();
});

test('every value lies between the edges of its bin', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 2 ** -40, max: 2 ** 23, noNaN: true }), (value) => {
      const stored = Math.fround(value);
      const bin = of(Float32Array.of(stored)).counts().indexOf(1);
      return lowerEdge(bin) <= stored && stored < lowerEdge(bin + 1);
    }),
  );
  t.pass();
});

test('smallest and largest value are exact', (t) => {
  const histogram = of(Float32Array.of(0.1, -7.3, 5.25));
  t.is(histogram.min, Math.fround(-7.3));
  t.is(histogram.max, 5.25);
  t.is(histogram.absoluteMax, -Math.fround(-7.3));
});

test('NaN and infinity are refused, and nothing is counted', (t) => {
  const histogram = of(Float32Array.of(1));
  t.false(histogram.add(Float32Array.of(2, Number.NaN)));
  t.false(histogram.add(Float32Array.of(2, Number.NEGATIVE_INFINITY)));
  t.is(histogram.total, 1);
  t.is(histogram.max, 1);
});

test('linear bins lose no value', (t) => {
  fc.assert(
    fc.property(floats, (values) => {
      const histogram = of(values);
      if (histogram.absoluteMax < 2 ** -30) return true;
      const { counts } = linearBins(histogram, 2048);
      return Math.abs(counts.reduce((sum, count) => sum + count, 0) - values.length) < 1e-6 * values.length;
    }),
  );
  t.pass();
});

test('a seed repeats its order, and another one gives another', (t) => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  t.deepEqual(shuffled(items, seeded(1)), shuffled(items, seeded(1)));
  t.notDeepEqual(shuffled(items, seeded(1)), shuffled(items, seeded(2)));
  t.deepEqual(
    shuffled(items, seeded(3)).sort((a, b) => a - b),
    items,
  );
});
