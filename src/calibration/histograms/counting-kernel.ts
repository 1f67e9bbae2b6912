/**
 * The inner loop of counting as a WebAssembly module of 300 bytes: it takes four values at a time, and half the time of the same
 * loop in JavaScript, which has no SIMD instructions. Source of the encoding: WebAssembly Core Specification 2.0, chapter 5.
 */
import { binShift, signBit } from './float-bits.ts';

type Bytes = readonly number[];

/** LEB128, as constants and lengths are encoded. */
const signed = (value: number): Bytes => {
  const isLast = value >= -64 && value < 64;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
};
const unsigned = (value: number): Bytes =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
const sized = (content: Bytes): Bytes => [...unsigned(content.length), ...content];
const list = (...items: readonly Bytes[]): Bytes => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: Bytes): Bytes => [id, ...sized(content)];
const name = (text: string): Bytes => sized([...Buffer.from(text)]);

/** Size of a page of WebAssembly's memory. */
export const pageBytes = 2 ** 16;

const memories = { counters: 0, values: 1 } as const;
/** Set in an alignment if the number of a memory follows. */
const otherMemory = 0x40;

const type = { i32: 0x7f, v128: 0x7b } as const;
const aligned = { four: 2, sixteen: 4 } as const;
const simd = (code: number, ...rest: Bytes): Bytes => [0xfd, ...unsigned(code), ...rest];

const get = (local: number): Bytes => [0x20, local];
const set = (local: number): Bytes => [0x21, local];
const tee = (local: number): Bytes => [0x22, local];
const i32 = {
  constant: (value: number): Bytes => [0x41, ...signed(value)],
  load: [0x28, aligned.four, 0],
  store: [0x36, aligned.four, 0],
  add: [0x6a],
  isBelow: [0x49],
} as const;
/** Four lanes of 32 bits. */
const v128 = {
  loadValues: simd(0x00, aligned.four | otherMemory, memories.values, 0),
  storeAt: (offset: number): Bytes => simd(0x0b, aligned.sixteen, offset),
  splat: simd(0x11),
  lane: (lane: number): Bytes => simd(0x1b, lane),
  shiftLeft: simd(0xab),
  shiftRight: simd(0xad),
  add: simd(0xae),
  minUnsigned: simd(0xb7),
  maxSigned: simd(0xb8),
  maxUnsigned: simd(0xb9),
} as const;

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

const findAddresses: Bytes = [
  ...[...get(bits), ...i32.constant(binShift), ...v128.shiftRight],
  ...[...i32.constant(Math.log2(Uint32Array.BYTES_PER_ELEMENT)), ...v128.shiftLeft],
  ...[...get(tables), ...v128.add, ...set(addresses)],
];

const increment = (lane: number): Bytes => [
  ...[...get(addresses), ...v128.lane(lane), ...tee(address)],
  ...[...get(address), ...i32.load, ...i32.constant(1), ...i32.add, ...i32.store],
];

const body: Bytes = [
  ...[...fill(positive, i32.constant(signBit)), ...fill(negative, i32.constant(0))],
  ...[...fill(least, i32.constant(-1)), ...fill(tables, get(table))],
  ...[0x03, 0x40], // loop
  ...[...get(at), ...v128.loadValues, ...set(bits)],
  ...updateExtremes,
  ...findAddresses,
  ...[0, 1, 2, 3].flatMap(increment),
  ...[...get(at), ...i32.constant(16), ...i32.add, ...tee(at), ...get(end), ...i32.isBelow],
  ...[0x0d, 0, 0x0b], // branch to the loop's start if below; end of the loop
  ...[positive, negative, least].flatMap((each, i) => [
    ...i32.constant(0),
    ...get(each),
    ...v128.storeAt(16 * i),
  ]),
  0x0b,
];

const importMemory = (memory: string): Bytes => [...name('kernel'), ...name(memory), 2, 0, 0];

const code = sized([...list([1, type.i32], [6, type.v128]), ...body]);
const module = new WebAssembly.Module(
  Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([0x60, ...list([type.i32], [type.i32], [type.i32]), ...list()])),
    ...section(2, list(...Object.keys(memories).map(importMemory))),
    ...section(3, list([0])),
    ...section(7, list([...name('count'), 0, 0])),
    ...section(10, list(code)),
  ]),
);

/**
 * Counts the floats from `at` to `end` in the memory `values`, at least four and a multiple of four, into the counters at `table` in
 * the memory `counters`, one per value of the top bits. Writes three times four integers at address 0 of `counters`: maxima of
 * the bits as signed integers, maxima as unsigned ones, and minima as unsigned ones; the result is the extreme of the four. All
 * parameters are addresses in bytes.
 */
export type CountingKernel = (table: number, at: number, end: number) => void;

/** An instance of the kernel on these memories. */
export const makeCountingKernel = (
  kernel: Readonly<Record<keyof typeof memories, WebAssembly.Memory>>,
): CountingKernel => new WebAssembly.Instance(module, { kernel }).exports.count as CountingKernel;
