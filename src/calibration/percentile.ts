/** The threshold that a share of all values lies within; what is beyond is clipped. */
import { binCount, type Histogram, lowerEdge } from './histogram.ts';

/** Of |x|; the usual choice of calibration tools. */
export const defaultShare = 0.99999;

/** Linear inside a bin; never above the largest value. */
export const percentileThreshold = (histogram: Histogram, share: number = defaultShare): number => {
  const counts = histogram.counts();
  let left = histogram.total * share;
  for (let bin = 0; bin < binCount; bin++) {
    const count = counts[bin]!;
    if (count >= left) {
      const from = lowerEdge(bin);
      const to = lowerEdge(bin + 1);
      return Math.min(histogram.absoluteMax, bin === 0 ? 0 : from + ((to - from) * left) / count);
    }
    left -= count;
  }
  return histogram.absoluteMax;
};
