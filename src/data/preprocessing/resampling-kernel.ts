/**
 * The inner loops of resampling as a WebAssembly module: sums of pixels times weights, four or 16 at a time. A photo of 400×300 takes a
 * sixth of the time of the same loops in JavaScript.
 */
import { assemble, type Bytes, get, i32, repeat, set, tee, v128 } from '../../ground/base/webassembly.ts';

/** Bits of a weight behind the point. */
export const precisionBits = 22;

/** Bytes that the kernel reads after the last pixel, or writes after the last result. They mean nothing. */
export const spareBytes = 16;

const wordBytes = Int32Array.BYTES_PER_ELEMENT;
const half = 1 << (precisionBits - 1);

// Parameters, then integers, then vectors.
const [weights, perOutput, step, source, result, end] = [0, 1, 2, 3, 4, 5];
const [first, weight, weightEnd, at] = [6, 7, 8, 9];
const [factor, low, high, ...sums] = [10, 11, 12, 13, 14, 15, 16];
const variables = { parameters: 6, integers: 4, vectors: 7 } as const;

const copy = (from: number, to: number): Bytes => [...get(from), ...set(to)];
const move = (variable: number, by: Bytes): Bytes => [...get(variable), ...by, ...i32.add, ...set(variable)];
const isBelow = (variable: number, limit: number): Bytes => [...get(variable), ...get(limit), ...i32.isBelow];

/** Adds the products of the weight and the four pixels on the stack to a sum. */
const addProducts = (sum: number): Bytes => [
  ...[...get(factor), ...v128.multiply, ...get(sum), ...v128.add, ...set(sum)],
];

const loadFactor = (tap: number): Bytes => [
  ...[...get(weight), ...v128.loadSplat(wordBytes * tap), ...set(factor)],
];

/** Adds the pixels at the address `at`, times the weight `tap` words after the address `weight`. */
type AddTap = (tap: number) => Bytes;

/** Four bytes, of which the first are the channels of a pixel. */
const addPixel: AddTap = (tap) => [
  ...loadFactor(tap),
  ...[...get(at), ...v128.loadBytes(0), ...v128.widenFirst, ...addProducts(sums[0]!)],
];

/** 16 bytes of a row. */
const addBlock: AddTap = (tap) => [
  ...loadFactor(tap),
  ...[...get(at), ...v128.loadBytes(0), ...tee(low), ...v128.widenFirst, ...addProducts(sums[0]!)],
  ...[...get(low), ...v128.widenLast, ...addProducts(sums[1]!)],
  ...[...get(at), ...v128.loadBytes(8), ...tee(high), ...v128.widenFirst, ...addProducts(sums[2]!)],
  ...[...get(high), ...v128.widenLast, ...addProducts(sums[3]!)],
];

/** Takes two weights at a time. Sums start at one half, for rounding. */
const sumUp = (used: readonly number[], addTap: AddTap): Bytes => [
  ...used.flatMap((sum) => [...i32.constant(half), ...v128.splat, ...set(sum)]),
  ...[...copy(weight, weightEnd), ...move(weightEnd, get(perOutput))],
  ...repeat([
    ...[0, 1].flatMap((tap) => [...addTap(tap), ...move(at, get(step))]),
    ...[...move(weight, i32.constant(2 * wordBytes)), ...isBelow(weight, weightEnd)],
  ]),
];

/** Leaves two sums on the stack as eight whole numbers. */
const roundTwo = (one: number, other: number): Bytes => [
  ...[one, other].flatMap((sum) => [...get(sum), ...i32.constant(precisionBits), ...v128.shiftRightSigned]),
  ...v128.narrow,
];

const sumPixels: Bytes = [
  ...copy(weights, weight),
  ...repeat([
    ...[...get(first), ...i32.load, ...get(source), ...i32.add, ...set(at)],
    ...sumUp([sums[0]!], addPixel),
    ...[...get(result), ...roundTwo(sums[0]!, sums[0]!), ...tee(low), ...get(low), ...v128.narrowToBytes],
    ...v128.storeFirst(0),
    ...[...move(first, i32.constant(wordBytes)), ...move(result, get(step)), ...isBelow(result, end)],
  ]),
];

const sumRows: Bytes = repeat([
  ...[...copy(source, at), ...copy(weights, weight)],
  ...sumUp(sums, addBlock),
  ...[...get(result), ...roundTwo(sums[0]!, sums[1]!), ...roundTwo(sums[2]!, sums[3]!)],
  ...[...v128.narrowToBytes, ...v128.store(0)],
  ...[...move(source, i32.constant(16)), ...move(result, i32.constant(16)), ...isBelow(result, end)],
]);

const module = assemble(['memory'], {
  sumPixels: { ...variables, body: sumPixels },
  sumRows: { ...variables, body: sumRows },
});

/**
 * Writes bytes from `result` to `end`, each a weighted sum, rounded and clipped to 0…255. Weights are 32-bit integers, an even
 * number for each output, in `perOutput` bytes from `weights`. `step` is the distance of two bytes with neighbouring weights.
 * All parameters are in bytes.
 */
export type WeightedSums = (
  weights: number,
  perOutput: number,
  step: number,
  source: number,
  result: number,
  end: number,
) => void;

/** The two functions of an instance. */
export type ResamplingKernel = {
  /**
   * One row, from a row of pixels of `step` bytes, at most four. Each pixel of the result has weights of its own; the integers
   * from address 0 say how far after `source` the first of its pixels is.
   */
  readonly sumPixels: WeightedSums;
  /** One row, from rows of `step` bytes, the first at `source`. All of it has the same weights. */
  readonly sumRows: WeightedSums;
};

/** An instance of the kernel on this memory. */
export const makeResamplingKernel = (memory: WebAssembly.Memory): ResamplingKernel =>
  new WebAssembly.Instance(module, { kernel: { memory } }).exports as ResamplingKernel;
