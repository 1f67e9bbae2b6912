/**
 * Mean squared error of symmetric int8 quantisation, and the threshold that minimises it. The error of one level v is
 * S2 − 2·v·S1 + v²·S0 over the values that round to it, so prefix sums of the three moments give the error of a threshold in
 * 127 steps, whatever the number of values.
 */
import { int8Levels as levels } from '../../formats/scales/int8-levels.ts';
import { binOf, lowerEdge } from './float-bits.ts';
import type { Histogram } from './histogram.ts';

/** Number of candidate thresholds: equal steps up to the largest |x|. The first sixteenth is skipped: it clips too much. */
const steps = 256;
const firstStep = 16;

/** Moments of a histogram. Each bin is represented by its centre, at most 0.1 % from any of its values. */
export class Moments {
  readonly #centres: Float64Array;
  /** Sums over the first i bins of count, count × centre and count × centre². */
  readonly #sums: MomentSums;
  /** Index of the first bin ≥ `#firstBin` + i. */
  readonly #places: Int32Array;
  readonly #firstBin: number;
  readonly #total: number;
  readonly #absoluteMax: number;

  constructor(histogram: Histogram) {
    const { bins, counts } = histogram.magnitudes;
    this.#total = histogram.total;
    this.#absoluteMax = histogram.absoluteMax;
    this.#centres = centresOf(bins, this.#absoluteMax);
    this.#sums = momentSums(counts, this.#centres);
    this.#firstBin = bins[0] ?? 0;
    this.#places = placesOf(bins);
  }

  /** Mean square of the values, in the squared unit of the tensor. */
  get signal(): number {
    return this.#total === 0 ? 0 : this.#sums[2].at(-1)! / this.#total;
  }

  /**
   * Mean squared error at a threshold, in the squared unit of the tensor; 0 for an empty tensor. Returns Infinity as soon as
   * the error reaches `limit`.
   */
  errorAt(threshold: number, limit: number = Number.POSITIVE_INFINITY): number {
    if (this.#total === 0 || threshold === 0) return 0;
    const step = threshold / levels;
    const most = limit * this.#total;
    let to = this.#centres.length;
    let sum = 0;
    // From the top level down, because clipped values contribute most: reaches `limit` early.
    for (let level = levels; level >= 0 && sum < most; level--) {
      const from = level === 0 ? 0 : this.#placeOf((level - 0.5) * step);
      sum += this.#errorOf(from, to, level * step);
      to = from;
    }
    return sum < most ? Math.max(0, sum) / this.#total : Number.POSITIVE_INFINITY;
  }

  /** The candidate with the minimum error; the largest of equal ones. In the unit of the tensor. */
  minimumErrorThreshold(): number {
    let best = this.#absoluteMax;
    let least = Number.POSITIVE_INFINITY;
    for (let step = steps; step >= firstStep; step--) {
      const threshold = (this.#absoluteMax * step) / steps;
      const error = this.errorAt(threshold, least);
      if (error < least) [least, best] = [error, threshold];
    }
    return best;
  }

  /** Error of the bins from `from` to `to`, which all round to `value`. */
  #errorOf(from: number, to: number, value: number): number {
    const [counts, firsts, seconds] = this.#sums;
    const error = seconds[to]! - seconds[from]! - 2 * value * (firsts[to]! - firsts[from]!);
    return error + value * value * (counts[to]! - counts[from]!);
  }

  /** Number of bins whose centre is below a magnitude. */
  #placeOf(magnitude: number): number {
    const index = binOf(magnitude) - this.#firstBin;
    if (index < 0) return 0;
    const place = this.#places[index];
    if (place === undefined) return this.#centres.length;
    return this.#centres[place]! < magnitude ? place + 1 : place;
  }
}

// Not `Float64Array.from(bins, …)`, which builds a plain array first.
const centresOf = (bins: Int32Array, limit: number): Float64Array => {
  const centres = new Float64Array(bins.length);
  for (let i = 0; i < bins.length; i++) centres[i] = centreOf(bins[i]!, limit);
  return centres;
};

const centreOf = (bin: number, limit: number): number =>
  bin === 0 ? 0 : Math.min(limit, (lowerEdge(bin) + lowerEdge(bin + 1)) / 2);

type MomentSums = readonly [Float64Array, Float64Array, Float64Array];

const momentSums = (counts: Float64Array, centres: Float64Array): MomentSums => {
  const zeros = (): Float64Array => new Float64Array(counts.length + 1);
  const sums = [zeros(), zeros(), zeros()] as const;
  const [wholes, firsts, seconds] = sums;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    const centre = centres[i]!;
    wholes[i + 1] = wholes[i]! + count;
    firsts[i + 1] = firsts[i]! + count * centre;
    seconds[i + 1] = seconds[i]! + count * centre * centre;
  }
  return sums;
};

const placesOf = (bins: Int32Array): Int32Array => {
  const first = bins[0] ?? 0;
  const places = new Int32Array(bins.length === 0 ? 0 : bins.at(-1)! - first + 1);
  for (let i = 0, index = 0; i < bins.length; i++)
    for (; index <= bins[i]! - first; index++) places[index] = i;
  return places;
};

/** Mean squared error at one threshold, in the squared unit of the tensor. `Moments` is faster for several thresholds. */
export const squaredError = (histogram: Histogram, threshold: number): number =>
  new Moments(histogram).errorAt(threshold);

/** Threshold with the minimum mean squared error, in the unit of the tensor; 0 for an all-zero or empty tensor. */
export const leastSquaresThreshold = (histogram: Histogram): number =>
  new Moments(histogram).minimumErrorThreshold();
