/** Builds histograms of the given values. */
import { BitCounter } from '../../src/calibration/histograms/bit-counter.ts';
import type { Histogram } from '../../src/calibration/histograms/histogram.ts';

export const histogramOf = (...parts: readonly ArrayLike<number>[]): Histogram => {
  const counter = new BitCounter();
  for (const part of parts) counter.add(Float32Array.from(part));
  return counter.histogram();
};
