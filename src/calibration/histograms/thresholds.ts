/** Thresholds and scales of a tensor, all from one histogram. */
import { entropyThreshold } from './entropy.ts';
import type { Histogram } from './histogram.ts';
import { percentileThreshold } from './percentile.ts';
import { leastSquaresThreshold, Moments } from './squared-error.ts';

type Method = (histogram: Histogram) => number;

/** Of squared error: four times the least is one of the eight bits. */
const maxEntropyErrorRatio = 4;

/**
 * The divergence knows how often values occur and not how large they are, so of a tensor with a long tail it may cut off
 * what matters most. A threshold that costs more than one bit is not taken; the least-squares one is.
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
} as const satisfies Record<string, Method>;

export type Algorithm = keyof typeof methods | 'Auto';

/** Whether choosing takes so long that it is worth several threads. */
export const isSearch = (algorithm: Algorithm): boolean =>
  algorithm !== 'MinMax' && algorithm !== 'Percentile';

/** In the tensor's unit, of each method. */
export type Thresholds = Readonly<Record<Algorithm, number>>;

/** `Auto` takes, of all methods' thresholds, the one with the least squared error. */
export const thresholdOf = (histogram: Histogram, algorithm: Algorithm): number =>
  algorithm === 'Auto' ? allThresholds(histogram).Auto : methods[algorithm](histogram);

/** What every method would choose; each is asked once, which is half the time of asking one by one. */
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
