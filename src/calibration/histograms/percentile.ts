/** The threshold that a share of all values lies within; what is beyond is clipped. */
import { lowerEdge } from './float-bits.ts';
import type { Histogram } from './histogram.ts';

/** Of |x|; the usual choice of calibration tools. */
export const defaultShare = 0.99999;

/** Linear inside a bin; never above the largest value. */
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
