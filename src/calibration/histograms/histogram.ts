/**
 * A histogram indexed by the float's own bits. Counts are integers, so histograms of parts add up to the histogram of
 * the whole exactly, in any order and split. Only bins that are not empty are kept.
 */

/** Bins of one sign: those that are not empty, ascending, and their counts. */
export type Magnitudes = { readonly bins: Int32Array; readonly counts: Float64Array };

export type Extremes = {
  /** Smallest value, exact; Infinity if there was none. */
  readonly min: number;
  /** Largest value, exact; -Infinity if there was none. */
  readonly max: number;
};

export class Histogram {
  /** Ascending, each once: b > 0 is the bin b of `float-bits`, −b holds the same magnitudes below zero. */
  readonly bins: Int32Array;
  /** Whole numbers > 0, one for each bin. */
  readonly counts: Float64Array;
  readonly min: number;
  readonly max: number;
  /** Number of values. */
  readonly total: number;
  #magnitudes: Magnitudes | undefined;

  constructor({ bins, counts }: Magnitudes, { min, max }: Extremes) {
    this.bins = bins;
    this.counts = counts;
    this.min = min;
    this.max = max;
    this.total = counts.reduce((sum, count) => sum + count, 0);
  }

  /** Largest absolute value, exact; 0 if there was none. */
  get absoluteMax(): number {
    return Math.max(0, this.max, -this.min);
  }

  /** Whether a scale can follow: an infinite value has none. */
  get isFinite(): boolean {
    return this.absoluteMax < Number.POSITIVE_INFINITY;
  }

  /** The histogram of |x|. */
  get magnitudes(): Magnitudes {
    this.#magnitudes ??= magnitudesOf(this);
    return this.#magnitudes;
  }
}

export const emptyHistogram = new Histogram(
  { bins: new Int32Array(0), counts: new Float64Array(0) },
  { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY },
);

/** What both counted. */
export const addHistograms = (a: Histogram, b: Histogram): Histogram => {
  if (a.total === 0) return b;
  if (b.total === 0) return a;
  return new Histogram(mergeBins(a, b), { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
};

/** What each value becomes: functions that do not decrease, and agree about every bin. */
export type Mapping = { readonly bin: (bin: number) => number; readonly value: (value: number) => number };

const nothing: Magnitudes = { bins: new Int32Array(0), counts: new Float64Array(0) };

/** The histogram of f(x), exact if f maps the whole of every bin into one bin. */
export const mapHistogram = (histogram: Histogram, { bin, value }: Mapping): Histogram => {
  const { bins, counts, min, max, total } = histogram;
  if (total === 0) return histogram;
  const moved = { bins: bins.map((each) => bin(each)), counts };
  return new Histogram(mergeBins(moved, nothing), { min: value(min), max: value(max) });
};

const magnitudesOf = ({ bins, counts }: Magnitudes): Magnitudes => {
  const from = bins.findIndex((bin) => bin >= 0);
  const first = from < 0 ? bins.length : from;
  return mergeBins(
    { bins: bins.slice(0, first).reverse().map(Math.abs), counts: counts.slice(0, first).reverse() },
    { bins: bins.subarray(first), counts: counts.subarray(first) },
  );
};

/** Bins of two ascending lists, equal ones made one. */
const mergeBins = (a: Magnitudes, b: Magnitudes): Magnitudes => {
  const length = a.bins.length + b.bins.length;
  const bins = new Int32Array(length);
  const counts = new Float64Array(length);
  let filled = 0;
  for (let i = 0, j = 0; i + j < length; ) {
    const first = j === b.bins.length || (i < a.bins.length && a.bins[i]! <= b.bins[j]!);
    const bin = first ? a.bins[i]! : b.bins[j]!;
    if (filled === 0 || bins[filled - 1] !== bin) bins[filled++] = bin;
    counts[filled - 1]! += first ? a.counts[i++]! : b.counts[j++]!;
  }
  return { bins: bins.slice(0, filled), counts: counts.slice(0, filled) };
};
