/** Percentile calibration: a given fraction of all values is within the threshold; the rest is clipped. */
import { lowerEdge } from './float-bits.ts';
import type { Histogram } from './histogram.ts';

/** Fraction of |x| within the threshold. The default of onnxruntime's percentile calibrator. */
export const defaultShare = 0.99999;

/**
 * Threshold in the unit of the tensor, interpolated linearly inside a bin, at most the largest |x|; 0 for an empty
 * histogram.
 */
export const percentileThreshold = (histogram: Histogram, share: number = defaultShare): number => {
  const { bins, counts } = histogram.magnitudes;
  let left = histogram.total * share;
  for (let i = 0; i < bins.length; i++) {
    const count = counts[i]!;
    if (count >= left) return Math.min(histogram.absoluteMax, interpolateInBin(bins[i]!, left / count));
    left -= count;
  }
  return histogram.absoluteMax;
};

const interpolateInBin = (bin: number, share: number): number => {
  const from = lowerEdge(bin);
  return bin === 0 ? 0 : from + (lowerEdge(bin + 1) - from) * share;
};
