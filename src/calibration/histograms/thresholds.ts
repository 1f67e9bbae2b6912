/** Calibration methods: thresholds of a tensor from its histogram. */
import type { Algorithm } from '../../ground/contract/architectures.ts';
import { entropyThreshold } from './entropy.ts';
import type { Histogram } from './histogram.ts';
import { percentileThreshold } from './percentile.ts';
import { leastSquaresThreshold, Moments } from './squared-error.ts';

type Method = (histogram: Histogram) => number;

/** Maximum ratio of squared error to its minimum: a factor of four is one of the eight bits. */
const maxEntropyErrorRatio = 4;

/**
 * KL divergence weighs how often values occur, not how large they are, so it can clip the important tail of a distribution.
 * If the entropy threshold costs more than one bit, the least-squares threshold is used instead.
 */
const boundedEntropyThreshold = (histogram: Histogram, moments: Moments, least: number): number => {
  const threshold = entropyThreshold(histogram);
  return moments.errorAt(threshold) > maxEntropyErrorRatio * moments.errorAt(least) ? least : threshold;
};

const methods = {
  Entropy: (histogram) => {
    const moments = new Moments(histogram);
    return boundedEntropyThreshold(histogram, moments, moments.minimumErrorThreshold());
  },
  MinMax: (histogram) => histogram.absoluteMax,
  Percentile: (histogram) => percentileThreshold(histogram),
  Mse: leastSquaresThreshold,
} as const satisfies Record<Exclude<Algorithm, 'Auto'>, Method>;

/** Whether the method searches for its threshold, which is slow enough to be worth several threads. */
export const isSearch = (algorithm: Algorithm): boolean =>
  algorithm !== 'MinMax' && algorithm !== 'Percentile';

/** Threshold of each method, in the unit of the tensor. */
export type Thresholds = Readonly<Record<Algorithm, number>>;

/** Threshold of one method, in the unit of the tensor. `Auto` selects the method with the minimum squared error. */
export const thresholdOf = (histogram: Histogram, algorithm: Algorithm): number =>
  algorithm === 'Auto' ? allThresholds(histogram).Auto : methods[algorithm](histogram);

/** Thresholds of all methods. Shares the moments, which takes half the time of separate calls. */
export const allThresholds = (histogram: Histogram): Thresholds => {
  const moments = new Moments(histogram);
  const least = moments.minimumErrorThreshold();
  const found = {
    Entropy: boundedEntropyThreshold(histogram, moments, least),
    MinMax: methods.MinMax(histogram),
    Percentile: methods.Percentile(histogram),
    Mse: least,
  };
  const candidates = Object.values(found);
  const errors = candidates.map((threshold) => moments.errorAt(threshold));
  return { ...found, Auto: candidates[errors.indexOf(Math.min(...errors))]! };
};
