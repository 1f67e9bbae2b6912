/** Tables of counters in memory that the counting kernel can reach. */
import { type CountingKernel, makeCountingKernel } from './counting-kernel.ts';
import { binShift, magnitudeBits, signBit } from './float-bits.ts';

/** Number of patterns of sign, exponent and top mantissa bits. */
export const bitPatterns = 2 ** (32 - binShift);

/** Extremes of some values, as bits. */
export type BitExtremes = {
  /** Largest bits, and largest bits with the other sign; negative if no value has that sign. */
  readonly positive: number;
  readonly negative: number;
  /** Bits of the smallest magnitude. */
  readonly least: number;
};

/** Extremes of no values. */
export const noExtremes: BitExtremes = { positive: signBit, negative: signBit, least: magnitudeBits };

/** The extremes of two sets of values. */
export const joinExtremes = (a: BitExtremes, b: BitExtremes): BitExtremes => ({
  positive: Math.max(a.positive, b.positive),
  negative: Math.max(a.negative, b.negative),
  least: Math.min(a.least, b.least),
});

const pageBytes = 2 ** 16;
const tableBytes = Uint32Array.BYTES_PER_ELEMENT * bitPatterns;
/** One page for the extremes, one for the values that are counted. */
const stageAt = pageBytes;
const stageLength = pageBytes / Float32Array.BYTES_PER_ELEMENT;
const tablesAt = 2 * pageBytes;
/** Values that the kernel takes at a time. */
const lanes = 4;

/** Memory of several tables. Pages that are never touched take none of the machine's. */
class TableMemory {
  static readonly tables = 128;
  readonly #memory = new WebAssembly.Memory({
    initial: (tablesAt + TableMemory.tables * tableBytes) / pageBytes,
  });
  readonly #kernel: CountingKernel = makeCountingKernel(this.#memory);
  readonly #extremes = [0, 1, 2].map(
    (each) => new Int32Array(this.#memory.buffer, 4 * lanes * each, lanes),
  ) as [Int32Array, Int32Array, Int32Array];
  readonly #stage = new Int32Array(this.#memory.buffer, stageAt, stageLength);
  #taken = 0;

  get isFull(): boolean {
    return this.#taken === TableMemory.tables;
  }

  take(): CounterTable {
    const address = tablesAt + this.#taken++ * tableBytes;
    const counts = new Uint32Array(this.#memory.buffer, address, bitPatterns);
    return new CounterTable(counts, (bits) => this.#countInto(address, counts, bits));
  }

  /** At most as many as the stage holds. */
  #countInto(address: number, counts: Uint32Array, bits: Int32Array): BitExtremes {
    const last = bits.at(-1);
    if (last === undefined) return noExtremes;
    const padding = -bits.length & (lanes - 1);
    const length = bits.length + padding;
    this.#stage.set(bits);
    this.#stage.fill(last, bits.length, length);
    this.#kernel(address, stageAt, stageAt + Float32Array.BYTES_PER_ELEMENT * length);
    counts[last >>> binShift]! -= padding;
    const [positive, negative, least] = this.#extremes;
    return {
      positive: Math.max(...positive),
      negative: Math.max(...negative),
      least: Math.min(...least),
    };
  }
}

let current: TableMemory | undefined;

/** 2^18 counters of 32 bits, indexed by the top bits of a float. */
export class CounterTable {
  readonly counts: Uint32Array;
  readonly #count: (bits: Int32Array) => BitExtremes;

  /** Use `takeTable`. */
  constructor(counts: Uint32Array, count: (bits: Int32Array) => BitExtremes) {
    this.counts = counts;
    this.#count = count;
  }

  /** Counts every value; no counter may overflow. */
  count(values: Float32Array): BitExtremes {
    let extremes = noExtremes;
    for (let from = 0; from < values.length; from += stageLength) {
      const length = Math.min(stageLength, values.length - from);
      const bits = new Int32Array(values.buffer, values.byteOffset + 4 * from, length);
      extremes = joinExtremes(extremes, this.#count(bits));
    }
    return extremes;
  }
}

/** A new table, all counters 0. */
export const takeTable = (): CounterTable => {
  if (current === undefined || current.isFull) current = new TableMemory();
  return current.take();
};
