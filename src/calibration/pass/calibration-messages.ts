/** What the threads of a calibration and the thread that feeds them say to each other. Plain data, copied or handed over. */

import type { PackedSegment } from '../../graph/inference/packed-segment.ts';
import type { FloatTensor } from '../../graph/inference/session.ts';
import type { Worst } from '../histograms/bit-counter.ts';
import type { Extremes, Magnitudes } from '../histograms/histogram.ts';
import type { Thresholds } from '../histograms/thresholds.ts';

export type Measuring = {
  readonly input: string;
  /** Tensors to count; the input may be among them. */
  readonly measured: ReadonlySet<string>;
  /** Of them, those that must have a scale, so that an infinity ends the pass; and the layers that need it. */
  readonly scaled: ReadonlyMap<string, readonly string[]>;
};

export type WorkerRequest =
  | { readonly kind: 'open'; readonly measuring: Measuring }
  /** Of the network; the first comes first, the last before any count. */
  | { readonly kind: 'segment'; readonly segment: PackedSegment }
  | { readonly kind: 'count'; readonly tensor: FloatTensor }
  | { readonly kind: 'finish' }
  /** Of these histograms, from any thread. */
  | { readonly kind: 'thresholds'; readonly histograms: readonly HistogramData[] }
  /** Has no answer. */
  | { readonly kind: 'end' };

/** A histogram as it crosses between threads. */
export type HistogramData = Extremes & Magnitudes;

/** One for each question but the last, in their order. */
export type WorkerResponse =
  | { readonly kind: 'done' }
  /** An input was counted; tensors that held an infinity on it or before, if any did. */
  | { readonly kind: 'counted'; readonly infinite: readonly string[] }
  /** A value of this tensor was NaN, or infinite where it must have a scale. */
  | { readonly kind: 'notFinite'; readonly tensor: string; readonly worst: Exclude<Worst, 'Finite'> }
  | { readonly kind: 'histograms'; readonly histograms: ReadonlyMap<string, HistogramData> }
  /** In the order of the histograms. */
  | { readonly kind: 'thresholds'; readonly thresholds: readonly Thresholds[] }
  | { readonly kind: 'failed'; readonly message: string };
