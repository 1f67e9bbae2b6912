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
};

/** Requests of the main thread. */
export type WorkerRequest =
  | { readonly kind: 'open'; readonly measuring: Measuring }
  /** One segment of the network. Segments are sent in order, before any `count`. */
  | { readonly kind: 'segment'; readonly segment: PackedSegment }
  | { readonly kind: 'count'; readonly tensor: FloatTensor }
  | { readonly kind: 'finish' }
  /** Computes thresholds of these histograms, whichever worker counted them. */
  | { readonly kind: 'thresholds'; readonly histograms: readonly HistogramData[] }
  /** Stops the worker; has no response. */
  | { readonly kind: 'end' };

/** A histogram as plain data, for structured cloning. */
export type HistogramData = Extremes & Magnitudes;

/** One response per request except `end`, in order. */
export type WorkerResponse =
  | { readonly kind: 'done' }
  /** An input was counted; lists tensors that held an infinity on it or on earlier inputs. */
  | { readonly kind: 'counted'; readonly infinite: readonly string[] }
  /** The tensor held a NaN, or an infinity although it needs a scale. */
  | { readonly kind: 'notFinite'; readonly tensor: string; readonly worst: Exclude<Worst, 'Finite'> }
  | { readonly kind: 'histograms'; readonly histograms: ReadonlyMap<string, HistogramData> }
  /** Thresholds in the order of the histograms. */
  | { readonly kind: 'thresholds'; readonly thresholds: readonly Thresholds[] }
  | { readonly kind: 'failed'; readonly message: string };
