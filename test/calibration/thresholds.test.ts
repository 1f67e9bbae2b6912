import test from 'ava';
import { entropyThreshold } from '../../src/calibration/entropy.ts';
import { Histogram } from '../../src/calibration/histogram.ts';
import { percentileThreshold } from '../../src/calibration/percentile.ts';
import { seeded } from '../../src/calibration/rng.ts';
import { leastSquaresThreshold, squaredError } from '../../src/calibration/squared-error.ts';
import { thresholdOf } from '../../src/calibration/thresholds.ts';

const of = (values: ArrayLike<number>): Histogram => {
  const histogram = new Histogram();
  histogram.add(Float32Array.from(values));
  return histogram;
};

/** Normal numbers by Box and Muller. */
const normal = (count: number): number[] => {
  const random = seeded(11);
  return Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
};

const withOutlier = (outlier: number): Histogram => of([...normal(100_000), outlier]);

test('MinMax is the largest absolute value, exactly', (t) => {
  t.is(thresholdOf(of([0.25, -3.5, 2]), 'MinMax'), 3.5);
});

test('a percentile of evenly spread values is that share of their range', (t) => {
  const histogram = of(Array.from({ length: 100_000 }, (_, i) => (i + 1) / 100_000));
  t.true(Math.abs(percentileThreshold(histogram, 0.5) - 0.5) < 0.002);
  t.true(Math.abs(percentileThreshold(histogram, 0.99) - 0.99) < 0.002);
  t.is(percentileThreshold(histogram, 1), 1);
});

test('entropy cuts a lone outlier off, and keeps nearly all of a uniform distribution', (t) => {
  t.true(entropyThreshold(withOutlier(100)) < 10);
  const uniform = of(Array.from({ length: 200_000 }, (_, i) => (i + 0.5) / 200_000));
  t.true(entropyThreshold(uniform) > 0.9);
});

test('the least-squares threshold has no more error than any other method', (t) => {
  for (const histogram of [withOutlier(8), withOutlier(100), of(normal(10_000).map(Math.abs))]) {
    const least = squaredError(histogram, leastSquaresThreshold(histogram));
    for (const method of ['Entropy', 'MinMax', 'Percentile'] as const)
      t.true(least <= squaredError(histogram, thresholdOf(histogram, method)) * 1.02, method);
  }
});

test('the error of values that lie on levels is that of the bins alone', (t) => {
  const histogram = of(Array.from({ length: 127 }, (_, i) => i + 1));
  t.true(squaredError(histogram, 127) < 0.01);
  t.true(squaredError(histogram, 64) > 100);
});

test('Auto takes the method with the least error', (t) => {
  const histogram = withOutlier(30);
  const errors = (['Entropy', 'MinMax', 'Percentile', 'Mse'] as const).map((method) =>
    squaredError(histogram, thresholdOf(histogram, method)),
  );
  t.is(squaredError(histogram, thresholdOf(histogram, 'Auto')), Math.min(...errors));
});

test('a tensor of zeros has threshold zero by every method', (t) => {
  for (const method of ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const)
    t.is(thresholdOf(of([0, 0, 0]), method), 0);
});
