/** Counts float32 values into a histogram in one pass over their bits, without data-dependent branches. */
import { bitPatterns, type CounterTable, joinExtremes, noExtremes, takeTable } from './counter-table.ts';
import { binShift, floatOfBits, infinityBits } from './float-bits.ts';
import { addHistograms, emptyHistogram, Histogram, type Magnitudes } from './histogram.ts';

const negativeZero = bitPatterns / 2;

/** The worst kind of value in a tensor; NaN is worse than infinity. */
export type Worst = 'Finite' | 'Infinite' | 'NaN';

/** More values could overflow a counter of 32 bits. */
const mostCounted = 2 ** 32 - 1;

/** Histogram of one tensor while it is counted. */
export class BitCounter {
  readonly #table: CounterTable;
  #extremes = noExtremes;
  #sinceSpill = 0;
  #spilled = emptyHistogram;
  /** After this many values, counters are moved to exact 53-bit sums. */
  readonly #spillAt: number;

  /** @param table all counters 0 @param spillAt smaller in tests */
  constructor(table: CounterTable = takeTable(), spillAt: number = mostCounted) {
    this.#table = table;
    this.#spillAt = spillAt;
  }

  /**
   * Counts every value and returns the worst kind seen so far. Infinities are counted in their own bin; after a NaN the
   * counts are meaningless. docs/benchmarks.md has the time per value.
   */
  add(values: Float32Array): Worst {
    if (this.#sinceSpill + values.length > this.#spillAt) this.#spill();
    this.#sinceSpill += values.length;
    this.#extremes = joinExtremes(this.#extremes, this.#table.count(values));
    const worst = Math.max(this.#extremes.positive, this.#extremes.negative);
    if (worst < infinityBits) return 'Finite';
    return worst === infinityBits ? 'Infinite' : 'NaN';
  }

  /** The histogram of all values added so far. */
  histogram(): Histogram {
    const { positive, negative } = this.#extremes;
    const tops = { below: topBin(negative), above: topBin(positive) };
    const bins = collectBins(this.#table.counts, tops);
    const current = new Histogram(bins, { min: this.#min(), max: this.#max() });
    return addHistograms(this.#spilled, current);
  }

  #min(): number {
    const { negative, least } = this.#extremes;
    return negative < 0 ? floatOfBits(least) : 0 - floatOfBits(negative);
  }

  #max(): number {
    const { positive, least } = this.#extremes;
    return positive < 0 ? 0 - floatOfBits(least) : floatOfBits(positive);
  }

  #spill(): void {
    this.#spilled = this.histogram();
    this.#table.counts.fill(0);
    this.#sinceSpill = 0;
  }
}

type Tops = { readonly below: number; readonly above: number };

/** For the bins of one histogram after the other: one per pattern, most of which have no values. */
const found = { bins: new Int32Array(bitPatterns), counts: new Float64Array(bitPatterns) };

/** Non-empty bins, searched up to the top bin of either sign. +0 and -0 share bin 0. */
const collectBins = (patternCounts: Uint32Array, { below, above }: Tops): Magnitudes => {
  const { bins, counts } = found;
  let filled = 0;
  const keep = (bin: number, count: number): void => {
    bins[filled] = bin;
    counts[filled++] = count;
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
  return { bins: bins.slice(0, filled), counts: counts.slice(0, filled) };
};

/** Bin of the largest magnitude, from its bits; 0 if no value has that sign. */
const topBin = (magnitude: number): number => Math.max(0, magnitude) >>> binShift;
