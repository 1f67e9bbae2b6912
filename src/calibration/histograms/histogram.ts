/**
 * A sparse histogram indexed by float bits. Counts are integers, so the histograms of parts add up exactly to the histogram
 * of the whole, in any order and for any split.
 */

/** Non-empty bins in ascending order, and their counts. */
export type Magnitudes = { readonly bins: Int32Array; readonly counts: Float64Array };

/** Exact range of the counted values. */
export type Extremes = {
  /** Smallest value; Infinity if nothing was counted. */
  readonly min: number;
  /** Largest value; -Infinity if nothing was counted. */
  readonly max: number;
};

/** Distribution of one tensor. Immutable. */
export class Histogram {
  /** Ascending and distinct. b > 0 is bin b of `float-bits.ts`; −b holds negative values of the same magnitudes. */
  readonly bins: Int32Array;
  /** Integers > 0, one per bin. */
  readonly counts: Float64Array;
  readonly min: number;
  readonly max: number;
  /** Number of counted values. */
  readonly total: number;
  #magnitudes: Magnitudes | undefined;

  constructor({ bins, counts }: Magnitudes, { min, max }: Extremes) {
    this.bins = bins;
    this.counts = counts;
    this.min = min;
    this.max = max;
    this.total = sumOf(counts);
  }

  /** Largest absolute value, exact; 0 if nothing was counted. */
  get absoluteMax(): number {
    return Math.max(0, this.max, -this.min);
  }

  /** False if an infinity was counted: such a tensor has no scale. */
  get isFinite(): boolean {
    return this.absoluteMax < Number.POSITIVE_INFINITY;
  }

  /** Bins and counts of |x|. */
  get magnitudes(): Magnitudes {
    this.#magnitudes ??= magnitudesOf(this);
    return this.#magnitudes;
  }
}

/** Not `reduce`, which calls a function for each bin. */
const sumOf = (counts: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i]!;
  return sum;
};

/** Neutral element of `addHistograms`. */
export const emptyHistogram = new Histogram(
  { bins: new Int32Array(0), counts: new Float64Array(0) },
  { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY },
);

/** The histogram of both sets of values. */
export const addHistograms = (a: Histogram, b: Histogram): Histogram => {
  if (b.total === 0) return a;
  if (a.total === 0) return b;
  return new Histogram(mergeBins(a, b), { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
};

/** A non-decreasing function, on bins and on values; both must agree on every bin. */
export type Mapping = { readonly bin: (bin: number) => number; readonly value: (value: number) => number };

const nothing: Magnitudes = { bins: new Int32Array(0), counts: new Float64Array(0) };

/** The histogram of f(x); exact if f maps all of each bin into one bin. */
export const mapHistogram = (histogram: Histogram, { bin, value }: Mapping): Histogram => {
  const { bins, counts, min, max } = histogram;
  const moved = { bins: bins.map((each) => bin(each)), counts };
  return new Histogram(mergeBins(moved, nothing), { min: value(min), max: value(max) });
};

/** Walks from zero outwards on both sides. */
const magnitudesOf = ({ bins, counts }: Magnitudes): Magnitudes => {
  const merged = emptyBins(bins.length);
  const first = bins.findIndex((bin) => bin >= 0);
  let above = first < 0 ? bins.length : first;
  let below = above - 1;
  let filled = 0;
  while (below >= 0 || above < bins.length) {
    const negative = below < 0 ? noBin : -bins[below]!;
    const positive = above === bins.length ? noBin : bins[above]!;
    merged.bins[filled] = Math.min(negative, positive);
    if (negative <= positive) merged.counts[filled]! += counts[below--]!;
    if (positive <= negative) merged.counts[filled]! += counts[above++]!;
    filled++;
  }
  return firstBins(merged, filled);
};

/** Merges two ascending lists of bins and adds the counts of equal bins. */
const mergeBins = (a: Magnitudes, b: Magnitudes): Magnitudes => {
  const length = a.bins.length + b.bins.length;
  const merged = emptyBins(length);
  let filled = 0;
  for (let i = 0, j = 0; i + j < length; ) {
    const first = j === b.bins.length || a.bins[i]! <= b.bins[j]!;
    const bin = first ? a.bins[i]! : b.bins[j]!;
    if (merged.bins[filled - 1] !== bin) merged.bins[filled++] = bin;
    merged.counts[filled - 1]! += first ? a.counts[i++]! : b.counts[j++]!;
  }
  return firstBins(merged, filled);
};

/** Larger than every bin. */
const noBin = 2 ** 31 - 1;

const emptyBins = (length: number): Magnitudes => ({
  bins: new Int32Array(length),
  counts: new Float64Array(length),
});

const firstBins = ({ bins, counts }: Magnitudes, length: number): Magnitudes => ({
  bins: bins.slice(0, length),
  counts: counts.slice(0, length),
});
