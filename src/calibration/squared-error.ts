/** The mean squared error that quantising to 127 levels each side of zero causes, and the threshold with the least. */
import { binCount, type Histogram, lowerEdge } from './histogram.ts';

const levels = 127;

/** Candidates are this many equal steps of the largest value; the first sixteenth clips too much to matter. */
const steps = 256;
const firstStep = 16;

type Occupied = { readonly centres: Float64Array; readonly counts: Float64Array };

/** Bins that are not empty; each stands for its centre, which is off by at most 0.1 % of the value. */
const occupied = (histogram: Histogram): Occupied => {
  const all = histogram.counts();
  const centres = new Float64Array(binCount);
  const counts = new Float64Array(binCount);
  let filled = 0;
  for (let bin = 1; bin < binCount; bin++) {
    if (all[bin] === 0) continue;
    centres[filled] = Math.min(histogram.absoluteMax, (lowerEdge(bin) + lowerEdge(bin + 1)) / 2);
    counts[filled++] = all[bin]!;
  }
  return { centres: centres.subarray(0, filled), counts: counts.subarray(0, filled) };
};

const errorOf = ({ centres, counts }: Occupied, threshold: number): number => {
  const step = threshold / levels;
  let sum = 0;
  for (let i = 0; i < centres.length; i++) {
    const value = centres[i]!;
    const error = value - Math.min(levels, Math.round(value / step)) * step;
    sum += counts[i]! * error * error;
  }
  return sum;
};

/** Mean squared error at a threshold, in the square of the tensor's unit; 0 for an empty tensor. */
export const squaredError = (histogram: Histogram, threshold: number): number =>
  histogram.total === 0 || threshold === 0 ? 0 : errorOf(occupied(histogram), threshold) / histogram.total;

export const leastSquaresThreshold = (histogram: Histogram): number => {
  const values = occupied(histogram);
  let best = histogram.absoluteMax;
  let least = Number.POSITIVE_INFINITY;
  for (let step = steps; step >= firstStep; step--) {
    const threshold = (histogram.absoluteMax * step) / steps;
    const error = errorOf(values, threshold);
    if (error < least) [least, best] = [error, threshold];
  }
  return best;
};
