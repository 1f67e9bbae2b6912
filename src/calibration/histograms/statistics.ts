/** What one pass over the data found, and the scales that follow from it by any method. */
import { minScale } from '../../formats/scales/calibration-cache.ts';
import { int8Levels } from '../../formats/scales/int8-levels.ts';
import type { Histogram } from './histogram.ts';
import { type Algorithm, type Thresholds, thresholdOf } from './thresholds.ts';

export type Statistics = {
  /** Of every calibrated tensor, in the order of the cache; tensors of one distribution share a histogram. */
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Tensors that must share one range because a Concat lays them side by side. */
  readonly sharedScale: readonly (readonly string[])[];
  readonly images: number;
  /** Tensors that held an infinity, and so have no scale: on which image, where that is known. */
  readonly infinite: ReadonlyMap<string, string | undefined>;
  /** Those that were looked for along with the pass. */
  readonly thresholds?: ReadonlyMap<Histogram, Thresholds>;
};

/**
 * Scale of each tensor, threshold / 127. Tensors that a Concat lays side by side share the largest of their scales.
 * A tensor that was zero throughout gets the least positive scale, since no engine can divide by zero.
 */
export const scalesOf = (
  statistics: Omit<Statistics, 'infinite'>,
  algorithm: Algorithm,
): Map<string, number> => {
  const found = new Map<Histogram, number>();
  const scaleOf = (histogram: Histogram): number => {
    const known = statistics.thresholds?.get(histogram)?.[algorithm] ?? found.get(histogram);
    const threshold = known ?? thresholdOf(histogram, algorithm);
    found.set(histogram, threshold);
    return Math.max(minScale, Math.fround(threshold / int8Levels));
  };
  const scales = new Map([...statistics.histograms].map(([tensor, each]) => [tensor, scaleOf(each)]));
  for (const group of groupBySharedScale(statistics)) {
    const largest = group.reduce((most, name) => Math.max(most, scales.get(name)!), 0);
    for (const name of group) scales.set(name, largest);
  }
  return scales;
};

/** Groups that share a tensor, or two names of one distribution, are one group: chained Concats end with one scale. */
const groupBySharedScale = ({
  histograms,
  sharedScale,
}: Pick<Statistics, 'histograms' | 'sharedScale'>): readonly (readonly string[])[] => {
  const groupOf = new Map<Histogram, Set<Histogram>>();
  for (const names of sharedScale) {
    const known = names.flatMap((name) => histograms.get(name) ?? []);
    const merged = new Set(known.flatMap((each) => [...(groupOf.get(each) ?? [each])]));
    for (const histogram of merged) groupOf.set(histogram, merged);
  }
  const tensors = [...histograms];
  return [...new Set(groupOf.values())].map((merged) =>
    tensors.filter(([, histogram]) => merged.has(histogram)).map(([name]) => name),
  );
};
