/** Counts float32 values into a histogram in one pass over their bits, without data-dependent branches. */
import { binShift, floatOfBits, infinityBits, magnitudeBits, signBit } from './float-bits.ts';
import { addHistograms, emptyHistogram, Histogram, type Magnitudes } from './histogram.ts';

/** Number of patterns of sign, exponent and top mantissa bits. Pages that are never touched take no memory. */
export const bitPatterns = 2 ** (32 - binShift);
const negativeZero = bitPatterns / 2;

/** The worst kind of value in a tensor; NaN is worse than infinity. */
export type Worst = 'Finite' | 'Infinite' | 'NaN';

/** Histogram of one tensor while it is counted: 2^18 counters of 32 bits, indexed by the top bits of a float. */
export class BitCounter {
  readonly #counts: Uint32Array | Uint8Array;
  /** Bits of the largest magnitude of either sign; negative if no value has that sign. */
  #positive = signBit;
  #negative = signBit;
  /** Bits of the smallest magnitude; tracked only while all values have the same sign. */
  #least = magnitudeBits;
  #sinceSpill = 0;
  #spilled = emptyHistogram;
  /** After this many values, counters are moved to exact 53-bit sums: one counter could hold no more. */
  readonly #spillAt: number;

  /** @param counts `bitPatterns` counters, all 0; tests have smaller ones */
  constructor(counts: Uint32Array | Uint8Array = new Uint32Array(bitPatterns)) {
    this.#counts = counts;
    this.#spillAt = 2 ** (8 * counts.BYTES_PER_ELEMENT) - 1;
  }

  /**
   * Counts every value and returns the worst kind seen so far. Infinities are counted in their own bin; after a NaN the
   * counts are meaningless. Takes 1.8 ns per value (docs/benchmarks.md).
   */
  add(values: Float32Array): Worst {
    if (this.#sinceSpill + values.length > this.#spillAt) this.#spill();
    this.#sinceSpill += values.length;
    const counts = this.#counts;
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    let positive = this.#positive;
    let negative = this.#negative;
    for (let i = 0; i < bits.length; i++) {
      const pattern = bits[i]!;
      const flipped = pattern ^ signBit;
      positive = pattern > positive ? pattern : positive;
      negative = flipped > negative ? flipped : negative;
      counts[pattern >>> binShift]!++;
    }
    this.#positive = positive;
    this.#negative = negative;
    if ((positive < 0 || negative < 0) && this.#least > 0) this.#least = minMagnitude(bits, this.#least);
    const worst = Math.max(positive, negative);
    if (worst < infinityBits) return 'Finite';
    return worst === infinityBits ? 'Infinite' : 'NaN';
  }

  /** The histogram of all values added so far. */
  histogram(): Histogram {
    const tops = { below: topBin(this.#negative), above: topBin(this.#positive) };
    const current = new Histogram(collectBins(this.#counts, tops), { min: this.#min(), max: this.#max() });
    return addHistograms(this.#spilled, current);
  }

  #min(): number {
    return this.#negative < 0 ? floatOfBits(this.#least) : 0 - floatOfBits(this.#negative);
  }

  #max(): number {
    return this.#positive < 0 ? 0 - floatOfBits(this.#least) : floatOfBits(this.#positive);
  }

  #spill(): void {
    this.#spilled = this.histogram();
    this.#counts.fill(0);
    this.#sinceSpill = 0;
  }
}

type Tops = { readonly below: number; readonly above: number };

/** Non-empty bins, searched up to the top bin of either sign. +0 and -0 share bin 0. */
const collectBins = (patternCounts: Uint32Array | Uint8Array, { below, above }: Tops): Magnitudes => {
  const bins: number[] = [];
  const counts: number[] = [];
  const keep = (bin: number, count: number): void => {
    bins.push(bin);
    counts.push(count);
  };
  for (let bin = below; bin > 0; bin--) {
    const count = patternCounts[negativeZero + bin]!;
    if (count > 0) keep(-bin, count);
  }
  const zeros = patternCounts[0]! + patternCounts[negativeZero]!;
  if (zeros > 0) keep(0, zeros);
  for (let bin = 1; bin <= above; bin++) {
    const count = patternCounts[bin]!;
    if (count > 0) keep(bin, count);
  }
  return { bins: Int32Array.from(bins), counts: Float64Array.from(counts) };
};

/** Bin of the largest magnitude, from its bits; 0 if no value has that sign. */
const topBin = (magnitude: number): number => Math.max(0, magnitude) >>> binShift;

const minMagnitude = (bits: Int32Array, known: number): number => {
  let least = known;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & magnitudeBits;
    least = magnitude < least ? magnitude : least;
  }
  return least;
};
