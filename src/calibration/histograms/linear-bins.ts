/** Converts a histogram to bins of equal width over [0, largest |x|], the form that entropy calibration needs. */
import { lowerEdge } from './float-bits.ts';
import type { Histogram } from './histogram.ts';

/** Counts per bin (fractions are possible), and the width of a bin in the unit of the tensor. */
export type LinearBins = { readonly counts: Float64Array; readonly width: number };

/** Splits each count over the overlapped bins in proportion to the overlap; the total is kept. */
export const toLinearBins = (histogram: Histogram, bins: number): LinearBins => {
  const limit = histogram.absoluteMax;
  const width = limit / bins;
  const counts = new Float64Array(bins);
  const fine = histogram.magnitudes;
  for (let i = 0; i < fine.bins.length; i++) {
    const bin = fine.bins[i]!;
    distribute(counts, width, fine.counts[i]!, lowerEdge(bin), Math.min(lowerEdge(bin + 1), limit));
  }
  return { counts, width };
};

/** Not with an object for each bin: a tensor has thousands. */
const distribute = (counts: Float64Array, width: number, count: number, from: number, to: number): void => {
  const last = counts.length - 1;
  const first = Math.min(last, Math.floor(from / width));
  const end = Math.min(last, Math.floor(to / width));
  if (first === end) {
    counts[first]! += count;
    return;
  }
  for (let bin = first; bin <= end; bin++) {
    const overlap = Math.min(to, (bin + 1) * width) - Math.max(from, bin * width);
    counts[bin]! += (count * overlap) / (to - from);
  }
};
