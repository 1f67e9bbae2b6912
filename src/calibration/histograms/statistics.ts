/** Result of a calibration pass, and the int8 scales that any method derives from it. */

import { minScale } from '../../formats/scales/calibration-cache.ts';
import { int8Levels } from '../../formats/scales/int8-levels.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import type { Histogram } from './histogram.ts';
import { type Thresholds, thresholdOf } from './thresholds.ts';

/** Histograms of all tensors of the calibration cache. */
export type Statistics = {
  /** By tensor name, in cache order; tensors with the same distribution share one object. */
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Shared-scale groups: tensors that need one range because a Concat joins them. */
  readonly sharedScale: readonly (readonly string[])[];
  readonly images: number;
  /** Tensors without a scale because they held an infinity, with the first such image if known. */
  readonly infinite: ReadonlyMap<string, string | undefined>;
  /** Thresholds that the pass already computed. */
  readonly thresholds?: ReadonlyMap<Histogram, Thresholds>;
};

/**
 * Scale of each tensor: threshold / 127. Tensors of a shared-scale group get the largest of their scales. An all-zero tensor
 * gets the smallest positive scale, because engines divide by it.
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

/** Merges groups that share a tensor or a distribution, so that chained Concats end up with one scale. */
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
