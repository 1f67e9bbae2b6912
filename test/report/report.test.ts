/** The numbers of the report, compared with the values that the histograms were made from. */
import test from 'ava';
import { emptyHistogram, type Histogram } from '../../src/calibration/histograms/histogram.ts';
import { allThresholds, thresholdOf } from '../../src/calibration/histograms/thresholds.ts';
import { decibelNumber } from '../../src/export/report/decibel.ts';
import { tensorReport } from '../../src/export/report/tensor-report.ts';
import { algorithms } from '../../src/ground/contract/architectures.ts';
import { histogramOf } from '../builders/histogram.ts';
import { sampleReport, scaleOf, someValues } from './sample.ts';

const reportOn = (histogram: Histogram, scale: number) =>
  tensorReport({ name: 'x', order: 0, scale, histogram, thresholds: allThresholds(histogram) });

/** SQNR of the values themselves, each rounded to its level. */
const measuredDb = (values: Float32Array, scale: number): number => {
  let [signal, noise] = [0, 0];
  for (const value of values) {
    const level = Math.max(-127, Math.min(127, Math.round(value / scale)));
    signal += value ** 2;
    noise += (value - level * scale) ** 2;
  }
  return 10 * Math.log10(signal / noise);
};

for (const seed of [1, 2, 3])
  test(`the error from the histogram equals that of the values (${seed})`, (t) => {
    const values = someValues(seed);
    const histogram = histogramOf(values);
    const scale = scaleOf(histogram);
    const { sqnrDb, clippedShare } = reportOn(histogram, scale);
    const expected = measuredDb(values, scale);
    t.true(Math.abs(decibelNumber(sqnrDb) - expected) < 0.1, `${sqnrDb} dB, and ${expected} of the values`);
    const clipped = values.filter((value) => value > 127 * scale).length / values.length;
    t.true(Math.abs(clippedShare - clipped) < 0.002, `${clippedShare}, and ${clipped} of the values`);
  });

test('the report has the threshold that calibration chooses with each method', (t) => {
  const histogram = histogramOf(someValues(4));
  for (const algorithm of algorithms)
    t.is(allThresholds(histogram)[algorithm], thresholdOf(histogram, algorithm), algorithm);
});

test('the drawn histogram loses no value', (t) => {
  const histogram = histogramOf(someValues(5));
  const { counts, width } = reportOn(histogram, scaleOf(histogram)).histogram;
  t.is(counts.length, 128);
  t.true(Math.abs(width * 128 - histogram.absoluteMax) < 1e-6);
  const sum = counts.reduce((total, count) => total + count, 0);
  t.true(Math.abs(sum - histogram.total) < 128, `${sum} of ${histogram.total}`);
});

test('tensors are listed worst first, with their position in the graph', (t) => {
  const { tensors } = sampleReport(['a', 'b', 'c', 'd']).calibration!;
  const ratios = tensors.map(({ sqnrDb }) => decibelNumber(sqnrDb));
  t.deepEqual(
    ratios,
    [...ratios].sort((a, b) => a - b),
  );
  t.deepEqual(
    tensors.map(({ name, order }) => 'abcd'.indexOf(name) === order),
    [true, true, true, true],
  );
});

test('a tensor of zeros has no error', (t) => {
  const histogram = histogramOf(new Float32Array(10));
  const { sqnrDb, histogram: drawn, min, max } = reportOn(histogram, 1e-30);
  t.is(sqnrDb, 'inf');
  t.deepEqual([min, max, drawn], [0, 0, { width: 0, counts: [10] }]);
});

test('JSON preserves the report, including a tensor without values', (t) => {
  const empty = reportOn(emptyHistogram, 1);
  t.deepEqual(JSON.parse(JSON.stringify(empty)), empty);
  const report = sampleReport(['a', 'b']);
  t.deepEqual(JSON.parse(JSON.stringify(report)), report);
});
