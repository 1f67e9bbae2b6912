/** Report of one tensor: its distribution, the threshold of every method, and the error of the chosen one. */
import { lowerEdge } from '../../calibration/histograms/float-bits.ts';
import type { Histogram } from '../../calibration/histograms/histogram.ts';
import { toLinearBins } from '../../calibration/histograms/linear-bins.ts';
import { int8Levels } from '../../formats/scales/int8-levels.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import { type Decibel, decibelOf } from './decibel.ts';

/** Number of bins of a drawn histogram. */
export const drawnBins = 128;

/** What the report says about a tensor. Values are in the unit of the tensor. */
export type TensorReport = {
  readonly name: string;
  /** Position in the graph from 0, inputs first. */
  readonly order: number;
  readonly min: number;
  readonly max: number;
  /** Scale in the calibration cache: real value of one level. */
  readonly scale: number;
  /** 127 × scale. Above the threshold of every method if the tensor shares its scale with a wider one in a Concat. */
  readonly threshold: number;
  /** Threshold of each method. */
  readonly thresholds: Readonly<Record<Algorithm, number>>;
  /** SQNR with 127 levels on each side of zero. */
  readonly sqnrDb: Decibel;
  /** Share of the values beyond the threshold, 0…1. */
  readonly clippedShare: number;
  /** Bins of |x| from 0, each `width` wide; integer counts. */
  readonly histogram: { readonly width: number; readonly counts: readonly number[] };
};

/** A tensor with its histogram. */
export type MeasuredTensor = {
  readonly name: string;
  readonly order: number;
  readonly scale: number;
  readonly histogram: Histogram;
  readonly thresholds: Readonly<Record<Algorithm, number>>;
};

/** Computes the report of a tensor. */
export const tensorReport = (tensor: MeasuredTensor): TensorReport => {
  const { name, order, scale, histogram, thresholds } = tensor;
  const threshold = scale * int8Levels;
  const { signal, error } = sumSquares(threshold, histogram);
  const { total, absoluteMax } = histogram;
  return {
    name,
    order,
    min: total === 0 ? 0 : histogram.min,
    max: total === 0 ? 0 : histogram.max,
    scale,
    threshold,
    thresholds,
    sqnrDb: decibelOf(signal, error),
    clippedShare: shareBeyond(threshold, histogram),
    histogram: absoluteMax === 0 ? { width: 0, counts: [total] } : binForChart(histogram),
  };
};

/**
 * Sums of the squares of the values, and of their errors at a threshold. As `Moments`, which is faster for many thresholds, it takes the
 * centre of a bin for each of its values.
 */
const sumSquares = (
  threshold: number,
  { magnitudes: { bins, counts }, absoluteMax }: Histogram,
): { readonly signal: number; readonly error: number } => {
  const step = threshold / int8Levels;
  let [signal, error] = [0, 0];
  for (let i = 0; i < bins.length; i++) {
    const bin = bins[i]!;
    const centre = bin === 0 ? 0 : Math.min(absoluteMax, (lowerEdge(bin) + lowerEdge(bin + 1)) / 2);
    const rounded = Math.min(int8Levels, Math.round(centre / step)) * step;
    signal += counts[i]! * centre ** 2;
    error += counts[i]! * (centre - rounded) ** 2;
  }
  return { signal, error };
};

/** Linear bins for drawing. A bin with any share of a value stays visible. */
const binForChart = (histogram: Histogram): TensorReport['histogram'] => {
  const { counts, width } = toLinearBins(histogram, drawnBins);
  return { width, counts: Array.from(counts, (count) => (count > 0 ? Math.max(1, Math.round(count)) : 0)) };
};

/** Share of the values in bins that are completely beyond the threshold. */
const shareBeyond = (threshold: number, { magnitudes: { bins, counts }, total }: Histogram): number => {
  let beyond = 0;
  for (let i = 0; i < bins.length; i++) if (lowerEdge(bins[i]!) > threshold) beyond += counts[i]!;
  return total === 0 ? 0 : beyond / total;
};
