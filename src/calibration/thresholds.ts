/** Thresholds and scales of a tensor, all from one histogram. */
import { entropyThreshold } from './entropy.ts';
import type { Histogram } from './histogram.ts';
import { percentileThreshold } from './percentile.ts';
import { leastSquaresThreshold, Moments } from './squared-error.ts';

type Method = (histogram: Histogram) => number;

const methods = {
  Entropy: entropyThreshold,
  MinMax: (histogram) => histogram.absoluteMax,
  Percentile: (histogram) => percentileThreshold(histogram),
  Mse: leastSquaresThreshold,
} as const satisfies Record<string, Method>;

export type Algorithm = keyof typeof methods | 'Auto';

/** Levels of int8 on each side of zero: real = level × scale, and threshold = 127 × scale. */
export const int8Levels = 127;

/** `Auto` takes, of all methods' thresholds, the one with the least squared error. */
export const thresholdOf = (histogram: Histogram, algorithm: Algorithm): number =>
  algorithm === 'Auto' ? allThresholds(histogram).Auto : methods[algorithm](histogram);

/** What every method would choose; each is asked once, which is half the time of asking one by one. */
export const allThresholds = (histogram: Histogram): Readonly<Record<Algorithm, number>> => {
  const moments = new Moments(histogram);
  const found = {
    Entropy: methods.Entropy(histogram),
    MinMax: methods.MinMax(histogram),
    Percentile: methods.Percentile(histogram),
    Mse: moments.leastThreshold(),
  };
  const candidates = Object.values(found);
  const errors = candidates.map((threshold) => moments.errorAt(threshold));
  return { ...found, Auto: candidates[errors.indexOf(Math.min(...errors))]! };
};
