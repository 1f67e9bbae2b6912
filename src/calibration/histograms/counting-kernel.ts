/**
 * The inner loops of counting as a WebAssembly module of 500 bytes: it takes four values at a time, and half the time of the same
 * loop in JavaScript.
 */
import { assemble, type Bytes, get, i32, repeat, set, tee, v128 } from '../../ground/base/webassembly.ts';
import { binShift, signBit } from './float-bits.ts';

const memories = { counters: 0, values: 1 } as const;

// Parameters, then variables.
const [table, at, end, address] = [0, 1, 2, 3];
const [positive, negative, least, tables, bits, addresses] = [4, 5, 6, 7, 8, 9];

const fill = (variable: number, value: Bytes): Bytes => [...value, ...v128.splat, ...set(variable)];

/** Negative floats are the largest as unsigned integers, and the smallest as signed ones. */
const updateExtremes: Bytes = [
  ...[...get(positive), ...get(bits), ...v128.maxSigned, ...set(positive)],
  ...[...get(negative), ...get(bits), ...v128.maxUnsigned, ...set(negative)],
  ...[...get(least), ...get(bits), ...v128.minUnsigned, ...set(least)],
];

const counterShift = Math.log2(Uint32Array.BYTES_PER_ELEMENT);

/** Addresses of the counters, rounded down to a multiple of 2^`unit`. */
const findAddresses = (unit: number): Bytes => [
  ...[...get(bits), ...i32.constant(binShift + unit - counterShift), ...v128.shiftRight],
  ...[...i32.constant(unit), ...v128.shiftLeft],
  ...[...get(tables), ...v128.add, ...set(addresses)],
];

const increment = (lane: number): Bytes => [
  ...[...get(addresses), ...v128.lane(lane), ...tee(address)],
  ...[...get(address), ...i32.load, ...i32.constant(1), ...i32.add, ...i32.store],
];

/** Repeats `step` for each four values, whose bits it finds in a variable. */
const forEachFour = (step: Bytes): Bytes =>
  repeat([
    ...[...get(at), ...v128.load(0, memories.values), ...set(bits)],
    ...step,
    ...[...get(at), ...i32.constant(16), ...i32.add, ...tee(at), ...get(end), ...i32.isBelow],
  ]);

const lanes = [0, 1, 2, 3];

const count: Bytes = [
  ...[...fill(positive, i32.constant(signBit)), ...fill(negative, i32.constant(0))],
  ...[...fill(least, i32.constant(-1)), ...fill(tables, get(table))],
  ...forEachFour([...updateExtremes, ...findAddresses(counterShift), ...lanes.flatMap(increment)]),
  ...[positive, negative, least].flatMap((each, i) => [
    ...i32.constant(0),
    ...get(each),
    ...v128.store(16 * i),
  ]),
];

/** Bytes of a page of the machine, as a power of two; larger pages are written several times. */
const machinePage = 12;

const clearPage = (lane: number): Bytes => [
  ...[...get(addresses), ...v128.lane(lane), ...i32.constant(0), ...i32.store],
];

const touch: Bytes = [
  ...fill(tables, get(table)),
  ...forEachFour([...findAddresses(machinePage), ...lanes.flatMap(clearPage)]),
];

const locals = { parameters: 3, integers: 1, vectors: 6 } as const;
const module = assemble(Object.keys(memories), {
  count: { ...locals, body: count },
  touch: { ...locals, body: touch },
});

/** Parameters are addresses in bytes. */
type Kernel = (table: number, at: number, end: number) => void;

/** Both take the floats from `at` to `end` in the memory `values`, at least four and a multiple of four. */
export type CountingKernel = {
  /**
   * Counts them into the counters at `table` in the memory `counters`, one per value of the top bits. Writes three times four integers at
   * address 0 of `counters`: maxima of the bits as signed integers, maxima as unsigned ones, and minima as unsigned ones; the result is
   * the extreme of the four.
   */
  readonly count: Kernel;
  /**
   * Writes zeros to the pages of a table without counts that `count` would use. A page that is read before it is written costs the
   * system two faults, and a flush of the other threads' address translations.
   */
  readonly touch: Kernel;
};

/** An instance of the kernel on these memories. */
export const makeCountingKernel = (
  kernel: Readonly<Record<keyof typeof memories, WebAssembly.Memory>>,
): CountingKernel => new WebAssembly.Instance(module, { kernel }).exports as CountingKernel;
