/** Tables of counters in memory that the counting kernel can reach. */
import { pageBytes } from '../../ground/base/webassembly.ts';
import { type CountingKernel, makeCountingKernel } from './counting-kernel.ts';
import { binShift, magnitudeBits, signBit } from './float-bits.ts';
import { ValueMemory } from './value-memory.ts';

/** Number of patterns of sign, exponent and top mantissa bits. */
export const bitPatterns = 2 ** (32 - binShift);

/** Extremes of some values, as bits. */
export type BitExtremes = {
  /** Largest bits, and largest bits with the other sign; negative if no value has that sign. */
  readonly positive: number;
  readonly negative: number;
  /** Bits of the smallest magnitude if all values have one sign. */
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

const tableBytes = Uint32Array.BYTES_PER_ELEMENT * bitPatterns;
/** The first page is for the extremes. */
const tablesAt = pageBytes;
/** Values that the kernel takes at a time. */
const lanes = 4;
const floatBytes = Float32Array.BYTES_PER_ELEMENT;

/** Memory of several tables. Pages that are never touched take none of the machine's. */
class TableMemory {
  static readonly tables = 128;
  readonly #memory = new WebAssembly.Memory({
    initial: (tablesAt + TableMemory.tables * tableBytes) / pageBytes,
  });
  readonly #values: ValueMemory;
  readonly #kernel: CountingKernel;
  readonly #maxima = new Int32Array(this.#memory.buffer, 0, lanes);
  readonly #unsignedMaxima = new Uint32Array(this.#memory.buffer, 4 * lanes, lanes);
  readonly #unsignedMinima = new Uint32Array(this.#memory.buffer, 8 * lanes, lanes);
  #taken = 0;

  constructor(values: ValueMemory) {
    this.#values = values;
    this.#kernel = makeCountingKernel({ counters: this.#memory, values: values.memory });
  }

  get isFull(): boolean {
    return this.#taken === TableMemory.tables;
  }

  reads(values: ValueMemory): boolean {
    return this.#values === values;
  }

  take(): CounterTable {
    const address = tablesAt + this.#taken++ * tableBytes;
    const counts = new Uint32Array(this.#memory.buffer, address, bitPatterns);
    const place = { address, counts, isEmpty: true };
    return new CounterTable(counts, (values) => this.#countInto(place, values));
  }

  #countInto(table: TablePlace, values: Float32Array): BitExtremes {
    const inPlace = values.buffer === this.#values.memory.buffer ? values.length & -lanes : 0;
    let extremes = this.#countAt(table, values.byteOffset, inPlace);
    const { stage } = this.#values;
    for (let from = inPlace; from < values.length; from += stage.length) {
      const length = Math.min(stage.length, values.length - from);
      const bits = new Int32Array(values.buffer, values.byteOffset + floatBytes * from, length);
      extremes = joinExtremes(extremes, this.#countStaged(table, bits));
    }
    return extremes;
  }

  /** At most as many as the stage holds. The last value is repeated up to a multiple that the kernel takes. */
  #countStaged(table: TablePlace, bits: Int32Array): BitExtremes {
    const last = bits.at(-1)!;
    const padding = -bits.length & (lanes - 1);
    const length = bits.length + padding;
    const { stage } = this.#values;
    stage.set(bits);
    stage.fill(last, bits.length, length);
    const extremes = this.#countAt(table, stage.byteOffset, length);
    table.counts[last >>> binShift]! -= padding;
    return extremes;
  }

  #countAt(table: TablePlace, at: number, length: number): BitExtremes {
    if (length === 0) return noExtremes;
    const end = at + floatBytes * length;
    if (table.isEmpty) this.#kernel.touch(table.address, at, end);
    table.isEmpty = false;
    this.#kernel.count(table.address, at, end);
    return {
      positive: Math.max(...this.#maxima),
      negative: Math.max(...this.#unsignedMaxima) ^ signBit,
      least: Math.min(...this.#unsignedMinima) & magnitudeBits,
    };
  }
}

/** A table in the memory, and whether nothing was counted into it yet. */
type TablePlace = { readonly address: number; readonly counts: Uint32Array; isEmpty: boolean };

let current: TableMemory | undefined;

/** 2^18 counters of 32 bits, indexed by the top bits of a float. */
export class CounterTable {
  readonly counts: Uint32Array;
  /** Counts every value; no counter may overflow. */
  readonly count: (values: Float32Array) => BitExtremes;

  /** Use `takeTable`. */
  constructor(counts: Uint32Array, count: (values: Float32Array) => BitExtremes) {
    this.counts = counts;
    this.count = count;
  }
}

const withoutBlock = new ValueMemory(0);

/** A new table, all counters 0. It counts values in the block of `values` without copying them. */
export const takeTable = (values: ValueMemory = withoutBlock): CounterTable => {
  if (current === undefined || current.isFull || !current.reads(values)) current = new TableMemory(values);
  return current.take();
};
