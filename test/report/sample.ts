/** A report of made-up tensors, with everything in it that a report can have. */
import type { Histogram } from '../../src/calibration/histograms/histogram.ts';
import { thresholdOf } from '../../src/calibration/histograms/thresholds.ts';
import { type ExportReport, type ReportFacts, reportOf } from '../../src/export/report/report.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';
import { histogramOf } from '../builders/histogram.ts';

const facts: ReportFacts = {
  architecture: 'classification',
  dataType: 'int8',
  model: { source: 'model.tlt', sha256: 'a'.repeat(64), sizeBytes: 5_000_000 },
  input: { name: 'input_1', channels: 3, height: 48, width: 192 },
  outputs: ['predictions/Softmax'],
  files: [{ name: 'model.etlt', sha256: 'b'.repeat(64), sizeBytes: 5_000_100 }],
  thumbnails: [{ name: 'one.jpg', png: 'data:image/png;base64,iVBORw0KGgo=' }],
  preprocessing: { order: 'BGR', mean: [103.939, 116.779, 123.68], scale: 1 },
  latency: { floatMicroseconds: 1500, int8Microseconds: 900 },
  notes: [],
};

/** Bell-shaped values, half of them zero, as after a ReLU. */
export const someValues = (seed: number, count = 5_000): Float32Array => {
  const random = seededRandom(seed);
  const bell = () => random() + random() + random() + random() - 2;
  return Float32Array.from({ length: count }, () => Math.max(0, bell() * (1 + seed)));
};

export const scaleOf = (histogram: Histogram): number => thresholdOf(histogram, 'Entropy') / 127;

/** The report of tensors with these names, all by entropy. */
export const sampleReport = (names: readonly string[], changed: Partial<ReportFacts> = {}): ExportReport => {
  const histograms = new Map(names.map((name, i) => [name, histogramOf(someValues(i))]));
  return reportOf({
    facts: { ...facts, ...changed },
    measured: {
      source: {
        source: 'images/',
        algorithm: 'Entropy',
        seed: 42,
        images: 80,
        imagesSha256: 'c'.repeat(64),
      },
      scales: new Map([...histograms].map(([name, histogram]) => [name, scaleOf(histogram)])),
      histograms,
    },
    agreement: {
      images: 8,
      sqnrDb: 31.25,
      rmse: 0.01,
      top1: 1,
      matchedCells: undefined,
      matchedBoxes: undefined,
      outputs: [],
    },
    sensitivity: {
      images: 8,
      sqnrDb: 31.25,
      layers: names.map((name, i) => ({ layers: [`conv ${name}`], tensor: name, sqnrDb: 33 + i })),
      advice: { keepFloat: names.slice(0, 1), sqnrDb: 36.5 },
    },
  });
};
