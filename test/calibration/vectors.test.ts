/**
 * Thresholds against what other people's code chooses for the same histograms: NVIDIA's entropy calibrator,
 * onnxruntime's percentiles, least squares by the definition. vectors/make_vectors.py wrote the numbers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { bestEdge, entropyBins, entropyThreshold } from '../../src/calibration/histograms/entropy.ts';
import type { Histogram } from '../../src/calibration/histograms/histogram.ts';
import { toLinearBins } from '../../src/calibration/histograms/linear-bins.ts';
import { percentileThreshold } from '../../src/calibration/histograms/percentile.ts';
import { leastSquaresThreshold, squaredError } from '../../src/calibration/histograms/squared-error.ts';
import { allThresholds, thresholdOf } from '../../src/calibration/histograms/thresholds.ts';
import { histogramOf } from '../builders/histogram.ts';

type Case = {
  readonly name: string;
  /** Of 2048 equal bins. */
  readonly counts: readonly number[];
  /** Bins that NVIDIA's calibrator keeps. */
  readonly entropyEdge: number;
  /** Percent → number of the bin that onnxruntime stops at. */
  readonly percentileEdge: Readonly<Record<string, number>>;
};

type LeastSquares = {
  readonly values: readonly number[];
  readonly repeats: number;
  readonly outlier: number;
  /** The best threshold is step / 256 of the largest value. */
  readonly step: number;
  readonly error: number;
  readonly largest: number;
  /** The error at half of the largest value. */
  readonly half: number;
};

const { cases, leastSquares }: { cases: readonly Case[]; leastSquares: readonly LeastSquares[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'vectors', 'thresholds.json'), 'utf8'),
);

/** Each value of a bin at the bin's middle, so that bin i is [i, i + 1). */
const valuesOf = (counts: readonly number[]): Float32Array => {
  const parts = counts.flatMap((count, bin) => (count > 0 ? [{ count, value: bin + 0.5 }] : []));
  const values = new Float32Array(parts.reduce((sum, { count }) => sum + count, 0));
  let filled = 0;
  for (const { count, value } of parts) {
    values.fill(value, filled, filled + count);
    filled += count;
  }
  return values;
};

const repeated = ({ values, repeats, outlier }: LeastSquares): Histogram =>
  histogramOf(
    Array.from({ length: repeats * values.length }, (_, i) => values[i % values.length]!),
    [outlier],
  );

/** The calibrator of NVIDIA rules out thresholds in an empty bin; ours charges them a trace. */
const emptyLastBin = new Map([['half of a normal distribution', 1913]]);

for (const { name, counts, entropyEdge, percentileEdge } of cases) {
  test(`entropy keeps as many bins as NVIDIA's calibrator: ${name}`, (t) => {
    const ours = bestEdge(Float64Array.from(counts));
    t.is(ours, emptyLastBin.get(name) ?? entropyEdge);
    t.is(counts[ours - 1] === 0 && ours < entropyBins, emptyLastBin.has(name));
  });

  test(`percentiles end in the bin that onnxruntime ends in: ${name}`, (t) => {
    const histogram = histogramOf(valuesOf(counts));
    for (const [percent, edge] of Object.entries(percentileEdge)) {
      const found = percentileThreshold(histogram, Number(percent) / 100);
      // Our bins are 0.2 % of the value wide, and each value is in the middle of its bin.
      t.true(Math.abs(found - (edge + 0.5)) <= 0.002 * (edge + 1), `${percent} %: ${found}, theirs ${edge}`);
    }
  });
}

test('the Percentile method clips one value in 100,000, as onnxruntime does at 99.999 %', (t) => {
  const { counts, percentileEdge } = cases.find(({ name }) => name === 'Laplace')!;
  const found = thresholdOf(histogramOf(valuesOf(counts)), 'Percentile');
  t.true(Math.abs(found - (percentileEdge['99.999']! + 0.5)) < 5, `${found}`);
});

test('an entropy threshold is in the middle of the bin after the last one kept', (t) => {
  const histogram = histogramOf(valuesOf(cases.find(({ name }) => name === 'sparse')!.counts));
  const { counts, width } = toLinearBins(histogram, entropyBins);
  const edge = bestEdge(counts);
  t.true(edge < entropyBins);
  t.is(entropyThreshold(histogram), (edge + 0.5) * width);
});

test('linear bins split a histogram bin by overlap and lose no count', (t) => {
  // One value in [1, 1 + 2^-9) and the largest in [4, 4 + 2^-7): at 1024 bins to 4, the first is half of one bin.
  const { counts, width } = toLinearBins(histogramOf([1, 4]), 1024);
  t.is(width, 4 / 1024);
  t.is(counts[256], 1);
  t.is(counts[1023], 1);
  // At 8192 bins a bin of the histogram covers four of the new ones.
  const fine = toLinearBins(histogramOf([1, 4]), 8192);
  t.deepEqual([...fine.counts.subarray(2047, 2053)], [0, 0.25, 0.25, 0.25, 0.25, 0]);
  t.is(
    fine.counts.reduce((sum, count) => sum + count, 0),
    2,
  );
});

for (const vector of leastSquares)
  test(`least squares chooses the candidate that the definition chooses: ${vector.repeats} repeats`, (t) => {
    const histogram = repeated(vector);
    t.is(leastSquaresThreshold(histogram), (vector.largest * vector.step) / 256);
    for (const [threshold, error] of [
      [leastSquaresThreshold(histogram), vector.error],
      [vector.largest / 2, vector.half],
    ] as const)
      t.true(Math.abs(squaredError(histogram, threshold) / error - 1) < 0.02, `${threshold}`);
  });

/** Normal-like values with an outlier that entropy cuts off: the larger it is, the more that costs. */
const withOutlier = (outlier: number): Histogram => repeated({ ...leastSquares[0]!, repeats: 100, outlier });

const costOfEntropy = (histogram: Histogram): number =>
  squaredError(histogram, entropyThreshold(histogram)) /
  squaredError(histogram, leastSquaresThreshold(histogram));

test('an entropy threshold that costs between one and four times the least error is kept', (t) => {
  const histogram = withOutlier(7);
  const cost = costOfEntropy(histogram);
  t.true(cost > 1.6 && cost < 4, `${cost}`);
  t.is(allThresholds(histogram).Entropy, entropyThreshold(histogram));
  t.is(thresholdOf(histogram, 'Entropy'), entropyThreshold(histogram));
});

test('an entropy threshold that costs more is replaced by least squares', (t) => {
  const histogram = withOutlier(14);
  t.true(costOfEntropy(histogram) > 4, `${costOfEntropy(histogram)}`);
  t.is(allThresholds(histogram).Entropy, leastSquaresThreshold(histogram));
});
