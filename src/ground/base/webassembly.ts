/**
 * Assembles small WebAssembly modules: inner loops that gain from SIMD instructions, which JavaScript does not have. Source of the
 * encoding: WebAssembly Core Specification 2.0, chapter 5; several memories are of 3.0.
 */

/** Encoded instructions, or another part of a module. */
export type Bytes = readonly number[];

/** Size of a page of WebAssembly's memory. */
export const pageBytes = 2 ** 16;

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

const type = { i32: 0x7f, v128: 0x7b } as const;

/** Reads a parameter or variable. */
export const get = (local: number): Bytes => [0x20, local];
/** Writes a variable. */
export const set = (local: number): Bytes => [0x21, local];
/** Writes a variable and leaves its value on the stack. */
export const tee = (local: number): Bytes => [0x22, local];

/** Repeats `body`, which leaves on the stack whether to run again. */
export const repeat = (body: Bytes): Bytes => [0x03, 0x40, ...body, 0x0d, 0, 0x0b];

/** Set in an alignment if the number of a memory follows. */
const otherMemory = 0x40;

/** A place in memory: 2^`alignment` bytes divide addresses, as a hint; `offset` is added to the address on the stack. */
const place = (alignment: number, offset: number, memory = 0): Bytes =>
  memory === 0
    ? [alignment, ...unsigned(offset)]
    : [alignment | otherMemory, ...unsigned(memory), ...unsigned(offset)];

/** Instructions on 32-bit integers. */
export const i32 = {
  constant: (value: number): Bytes => [0x41, ...signed(value)],
  load: [0x28, ...place(2, 0)],
  store: [0x36, ...place(2, 0)],
  add: [0x6a],
  isBelow: [0x49],
} as const satisfies Record<string, Bytes | ((value: number) => Bytes)>;

const simd = (code: number, ...rest: Bytes): Bytes => [0xfd, ...unsigned(code), ...rest];

/** Instructions on vectors: four lanes of 32 bits, if the name does not say otherwise. */
export const v128 = {
  load: (offset: number, memory = 0): Bytes => simd(0x00, ...place(2, offset, memory)),
  /** Eight bytes as eight unsigned lanes of 16 bits. */
  loadBytes: (offset: number): Bytes => simd(0x02, ...place(0, offset)),
  /** One integer in each lane. */
  loadSplat: (offset: number): Bytes => simd(0x09, ...place(2, offset)),
  store: (offset: number): Bytes => simd(0x0b, ...place(0, offset)),
  /** Stores the first lane. */
  storeFirst: (offset: number): Bytes => simd(0x5a, ...place(0, offset), 0),
  splat: simd(0x11),
  lane: (lane: number): Bytes => simd(0x1b, lane),
  shiftLeft: simd(0xab),
  shiftRight: simd(0xad),
  shiftRightSigned: simd(0xac),
  add: simd(0xae),
  multiply: simd(0xb5),
  minUnsigned: simd(0xb7),
  maxSigned: simd(0xb8),
  maxUnsigned: simd(0xb9),
  /** The first four of eight unsigned lanes of 16 bits, and the last four. */
  widenFirst: simd(0xa9),
  widenLast: simd(0xaa),
  /** Two vectors of four lanes to eight signed lanes of 16 bits; values outside become the nearest inside. */
  narrow: simd(0x85),
  /** Two vectors of eight signed lanes of 16 bits to 16 unsigned bytes, likewise. */
  narrowToBytes: simd(0x66),
} as const;

/** A function without result, whose parameters are 32-bit integers. */
export type Code = {
  readonly parameters: number;
  /** Variables, numbered after the parameters: integers, then vectors. */
  readonly integers: number;
  readonly vectors: number;
  readonly body: Bytes;
};

/** A module of these functions. It imports its memories, in this order, by these names from `kernel`. */
export const assemble = (
  memories: readonly string[],
  functions: Readonly<Record<string, Code>>,
): WebAssembly.Module => {
  const codes = Object.values(functions);
  const signature = ({ parameters }: Code): Bytes => [
    0x60,
    ...list(...Array<Bytes>(parameters).fill([type.i32])),
    ...list(),
  ];
  const bodyOf = ({ integers, vectors, body }: Code): Bytes =>
    sized([...list([integers, type.i32], [vectors, type.v128]), ...body, 0x0b]);
  const importMemory = (memory: string): Bytes => [...name('kernel'), ...name(memory), 2, 0, 0];
  const exportFunction = (each: string, i: number): Bytes => [...name(each), 0, ...unsigned(i)];
  return new WebAssembly.Module(
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, list(...codes.map(signature))),
      ...section(2, list(...memories.map(importMemory))),
      ...section(3, list(...codes.map((_, i) => unsigned(i)))),
      ...section(7, list(...Object.keys(functions).map(exportFunction))),
      ...section(10, list(...codes.map(bodyOf))),
    ]),
  );
};
