/** What calibration did to one tensor: its distribution, every method's threshold, and the error of the chosen one. */
import { lowerEdge } from '../../calibration/histograms/float-bits.ts';
import type { Histogram } from '../../calibration/histograms/histogram.ts';
import { toLinearBins } from '../../calibration/histograms/linear-bins.ts';
import { Moments } from '../../calibration/histograms/squared-error.ts';
import { int8Levels } from '../../formats/scales/int8-levels.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import { type Decibel, decibelOf } from './decibel.ts';

/** Bins that a histogram is drawn with. */
export const drawnBins = 128;

export type TensorReport = {
  readonly name: string;
  /** Place in the graph, from 0: inputs first. */
  readonly order: number;
  readonly min: number;
  readonly max: number;
  /** What the calibration cache has: real value of one level. */
  readonly scale: number;
  /** 127 × scale. Above every method's where a Concat ties the tensor to a wider one. */
  readonly threshold: number;
  /** What each method would choose. */
  readonly thresholds: Readonly<Record<Algorithm, number>>;
  /** Signal to noise of the 127 levels each side of zero. */
  readonly sqnrDb: Decibel;
  /** Share of the values beyond the threshold. */
  readonly clippedShare: number;
  /** Equal bins of |x| from 0 on, `width` wide each; whole counts. */
  readonly histogram: { readonly width: number; readonly counts: readonly number[] };
};

export type MeasuredTensor = {
  readonly name: string;
  readonly order: number;
  readonly scale: number;
  readonly histogram: Histogram;
  readonly thresholds: Readonly<Record<Algorithm, number>>;
};

export const tensorReport = (tensor: MeasuredTensor): TensorReport => {
  const { name, order, scale, histogram, thresholds } = tensor;
  const threshold = scale * int8Levels;
  const moments = new Moments(histogram);
  const { total, absoluteMax } = histogram;
  return {
    name,
    order,
    min: total === 0 ? 0 : histogram.min,
    max: total === 0 ? 0 : histogram.max,
    scale,
    threshold,
    thresholds,
    sqnrDb: decibelOf(moments.signal, moments.errorAt(threshold)),
    clippedShare: shareBeyond(threshold, histogram),
    histogram: absoluteMax === 0 ? { width: 0, counts: [total] } : binForChart(histogram),
  };
};

/** A bin with any share of a value stays visible. */
const binForChart = (histogram: Histogram): TensorReport['histogram'] => {
  const { counts, width } = toLinearBins(histogram, drawnBins);
  return { width, counts: Array.from(counts, (count) => (count > 0 ? Math.max(1, Math.round(count)) : 0)) };
};

/** Share of the values in bins that lie wholly beyond the threshold. */
const shareBeyond = (threshold: number, { magnitudes: { bins, counts }, total }: Histogram): number => {
  let beyond = 0;
  for (let i = 0; i < bins.length; i++) if (lowerEdge(bins[i]!) > threshold) beyond += counts[i]!;
  return total === 0 ? 0 : beyond / total;
};
