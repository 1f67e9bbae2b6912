/** Messages between the main thread and calibration workers: plain data, cloned or transferred. */

import type { PackedSegment } from '../../graph/inference/packed-segment.ts';
import type { FloatTensor } from '../../graph/inference/session.ts';
import type { Worst } from '../histograms/bit-counter.ts';
import type { Extremes, Magnitudes } from '../histograms/histogram.ts';
import type { Thresholds } from '../histograms/thresholds.ts';

/** What a worker measures. */
export type Measuring = {
  readonly input: string;
  /** Tensors to count; may include the input. */
  readonly measured: ReadonlySet<string>;
  /** Measured tensors that need a scale, so that an infinity is an error → the layers that read them. */
  readonly scaled: ReadonlyMap<string, readonly string[]>;
  /** Size of the block of placed outputs. */
  readonly outputBytes: number;
};

/** Requests of the main thread. */
export type WorkerRequest =
  | { readonly kind: 'open'; readonly measuring: Measuring }
  /** One segment of the network. Segments are sent in order, before any `count`. */
  | { readonly kind: 'segment'; readonly segment: PackedSegment }
  | { readonly kind: 'count'; readonly tensor: FloatTensor }
  /** Ends counting, and divides the tensors among this many workers. */
  | { readonly kind: 'finish'; readonly workers: number }
  /** Adds histograms that several workers counted of the same tensors; with thresholds of all methods if `choosing`. */
  | { readonly kind: 'sum'; readonly parts: readonly HistogramsByTensor[]; readonly choosing: boolean }
  /** Computes thresholds of these histograms. */
  | { readonly kind: 'thresholds'; readonly histograms: readonly HistogramData[] }
  /** Stops the worker; has no response. */
  | { readonly kind: 'end' };

/** A histogram as plain data, for structured cloning. */
export type HistogramData = Extremes & Magnitudes;
export type HistogramsByTensor = ReadonlyMap<string, HistogramData>;

/** One response per request except `end`, in order. */
export type WorkerResponse =
  | { readonly kind: 'done' }
  /** An input was counted; lists tensors that held an infinity on it or on earlier inputs. */
  | { readonly kind: 'counted'; readonly infinite: readonly string[] }
  /** The tensor held a NaN, or an infinity although it needs a scale. */
  | { readonly kind: 'notFinite'; readonly tensor: string; readonly worst: Exclude<Worst, 'Finite'> }
  /** What this worker counted, one share for each worker. */
  | { readonly kind: 'counts'; readonly shares: readonly HistogramsByTensor[] }
  /** Thresholds of finite tensors. */
  | {
      readonly kind: 'sums';
      readonly histograms: HistogramsByTensor;
      readonly thresholds: ReadonlyMap<string, Thresholds>;
    }
  /** Thresholds in the order of the histograms. */
  | { readonly kind: 'thresholds'; readonly thresholds: readonly Thresholds[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Copies nothing. */
export const toHistogramData = ({ bins, counts, min, max }: HistogramData): HistogramData => ({
  bins,
  counts,
  min,
  max,
});

/** The buffers of histograms, to move them to another thread. Those without values are all one histogram, which stays. */
export const buffersOf = (parts: readonly HistogramsByTensor[]): readonly ArrayBuffer[] => {
  const filled = parts.flatMap((each) => [...each.values()].filter(({ counts }) => counts.length > 0));
  return filled.flatMap(({ bins, counts }) => [bins.buffer, counts.buffer] as ArrayBuffer[]);
};
