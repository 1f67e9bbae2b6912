import test from 'ava';
import { entropyThreshold } from '../../src/calibration/histograms/entropy.ts';
import type { Histogram } from '../../src/calibration/histograms/histogram.ts';
import { percentileThreshold } from '../../src/calibration/histograms/percentile.ts';
import { leastSquaresThreshold, squaredError } from '../../src/calibration/histograms/squared-error.ts';
import { thresholdOf } from '../../src/calibration/histograms/thresholds.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';
import { histogramOf } from '../builders/histogram.ts';

/** Normal numbers by Box and Muller. */
const normal = (count: number): number[] => {
  const random = seededRandom(11);
  return Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
};

const withOutlier = (outlier: number): Histogram => histogramOf([...normal(100_000), outlier]);

test('MinMax is the largest absolute value, exactly', (t) => {
  t.is(thresholdOf(histogramOf([0.25, -3.5, 2]), 'MinMax'), 3.5);
});

test('a percentile of evenly spread values is that share of their range', (t) => {
  const histogram = histogramOf(Array.from({ length: 100_000 }, (_, i) => (i + 1) / 100_000));
  t.true(Math.abs(percentileThreshold(histogram, 0.5) - 0.5) < 0.002);
  t.true(Math.abs(percentileThreshold(histogram, 0.99) - 0.99) < 0.002);
  t.is(percentileThreshold(histogram, 1), 1);
});

test('entropy clips a single outlier, and keeps nearly all of a uniform distribution', (t) => {
  t.true(entropyThreshold(withOutlier(100)) < 10);
  const uniform = histogramOf(Array.from({ length: 200_000 }, (_, i) => (i + 0.5) / 200_000));
  t.true(entropyThreshold(uniform) > 0.9);
});

test('for a long-tailed distribution, entropy takes no threshold that costs more than one bit', (t) => {
  const longTail = histogramOf(normal(50_000).map((x) => Math.exp(2 * x)));
  const least = squaredError(longTail, leastSquaresThreshold(longTail));
  t.true(squaredError(longTail, entropyThreshold(longTail)) > 10 * least, 'the search alone costs more');
  t.true(squaredError(longTail, thresholdOf(longTail, 'Entropy')) <= 4 * least);
  t.is(
    thresholdOf(withOutlier(8), 'Entropy'),
    entropyThreshold(withOutlier(8)),
    'elsewhere it is the search',
  );
});

test('the least-squares threshold has no more error than any other method', (t) => {
  for (const histogram of [withOutlier(8), withOutlier(100), histogramOf(normal(10_000).map(Math.abs))]) {
    const least = squaredError(histogram, leastSquaresThreshold(histogram));
    for (const method of ['Entropy', 'MinMax', 'Percentile'] as const)
      t.true(least <= squaredError(histogram, thresholdOf(histogram, method)) * 1.02, method);
  }
});

/** Value by value, as the definition says. */
const errorOf = (values: readonly number[], threshold: number): number => {
  const step = threshold / 127;
  const errors = values.map((x) => x - Math.sign(x) * Math.min(127, Math.round(Math.abs(x) / step)) * step);
  return errors.reduce((sum, error) => sum + error * error, 0) / values.length;
};

test('the error from the moments of a histogram is that of the values themselves', (t) => {
  const values = [...normal(20_000), 9];
  for (const threshold of [0.5, 2, 4.5, 9]) {
    const exact = errorOf(values, threshold);
    const ours = squaredError(histogramOf(values), threshold);
    t.true(Math.abs(ours - exact) < 0.01 * exact, `${threshold}: ${ours}, by values ${exact}`);
  }
});

test('the error of values that lie on levels is that of the bins alone', (t) => {
  const histogram = histogramOf(Array.from({ length: 127 }, (_, i) => i + 1));
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

test('an all-zero tensor has threshold 0 with every method', (t) => {
  for (const method of ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const)
    t.is(thresholdOf(histogramOf([0, 0, 0]), method), 0);
});
