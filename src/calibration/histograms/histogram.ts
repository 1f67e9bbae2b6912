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
  return new Histogram(addBins(a, b), { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });
};

/** A non-decreasing function, on bins and on values; both must agree on every bin. */
export type Mapping = { readonly bin: (bin: number) => number; readonly value: (value: number) => number };

/** The histogram of f(x); exact if f maps all of each bin into one bin. */
export const mapHistogram = (histogram: Histogram, { bin, value }: Mapping): Histogram => {
  const { bins, counts, min, max } = histogram;
  const moved = { bins: bins.map((each) => bin(each)), counts };
  return new Histogram(joinEqualBins(moved), { min: value(min), max: value(max) });
};

/** Memory for one result after the other, which is copied at its length. Not zeroed, and kept because there are hundreds of tensors. */
let room: Magnitudes = { bins: new Int32Array(0), counts: new Float64Array(0) };

const takeRoom = (length: number): Magnitudes => {
  if (room.bins.length < length) room = { bins: new Int32Array(length), counts: new Float64Array(length) };
  return room;
};

const copyFirst = ({ bins, counts }: Magnitudes, length: number): Magnitudes => ({
  bins: bins.slice(0, length),
  counts: counts.slice(0, length),
});

const magnitudesOf = ({ bins, counts }: Magnitudes): Magnitudes => {
  let first = 0;
  while (first < bins.length && bins[first]! < 0) first++;
  const below = { bins: bins.slice(0, first).reverse(), counts: counts.slice(0, first).reverse() };
  for (let i = 0; i < first; i++) below.bins[i] = -below.bins[i]!;
  return addBins(below, { bins: bins.subarray(first), counts: counts.subarray(first) });
};

/** Adds the counts of two ascending lists of distinct bins. */
const addBins = (a: Magnitudes, b: Magnitudes): Magnitudes => {
  const sum = takeRoom(a.bins.length + b.bins.length);
  let filled = 0;
  let i = 0;
  let j = 0;
  while (i < a.bins.length && j < b.bins.length) {
    const [inA, inB] = [a.bins[i]!, b.bins[j]!];
    let count = 0;
    if (inA <= inB) count += a.counts[i++]!;
    if (inB <= inA) count += b.counts[j++]!;
    sum.bins[filled] = Math.min(inA, inB);
    sum.counts[filled++] = count;
  }
  for (const [left, from] of [
    [a, i],
    [b, j],
  ] as const) {
    sum.bins.set(left.bins.subarray(from), filled);
    sum.counts.set(left.counts.subarray(from), filled);
    filled += left.bins.length - from;
  }
  return copyFirst(sum, filled);
};

/** Adds the counts of equal bins of an ascending list. */
const joinEqualBins = ({ bins, counts }: Magnitudes): Magnitudes => {
  const joined = takeRoom(bins.length);
  let last = -1;
  for (let i = 0; i < bins.length; i++)
    if (last >= 0 && joined.bins[last] === bins[i]) joined.counts[last]! += counts[i]!;
    else {
      joined.bins[++last] = bins[i]!;
      joined.counts[last] = counts[i]!;
    }
  return copyFirst(joined, last + 1);
};
