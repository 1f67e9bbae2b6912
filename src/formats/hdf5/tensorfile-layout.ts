/**
 * What TLT's tensorfile looks like inside HDF5: attribute `count`, attribute `shape`, and for each batch a group that
 * holds one array [N,C,H,W], gzip 4, in the chunks that h5py chooses.
 */
import { UserError } from '../../ground/base/errors.ts';

/** Batches as they stand in a tensorfile; the same shape as the worker's batches of images. */
export type TensorBatch = {
  readonly data: Float32Array;
  /** [N,C,H,W] */
  readonly dims: readonly [number, number, number, number];
  /** What an error names: image files, or places in a tensorfile. */
  readonly paths: readonly string[];
};

/** The two underscores before the number are TLT's. */
export const batchGroup = (number: number): string => `_tensorfile_array_key__${number}`;
/** Name of the array inside a batch's group. */
export const soleArray = '_tensorfile_array_key_';

const [leastBytes, mostBytes] = [8 * 1024, 1024 * 1024];
const baseBytes = 16 * 1024;

/** The chunk shape that h5py guesses: axes are halved in turn until a chunk is near a size that grows with the array. */
export const chunksOf = (dims: readonly number[], bytesEach: number): number[] => {
  const chunks = dims.map((axis) => Math.max(1, axis));
  const bytes = (): number => chunks.reduce((product, axis) => product * axis, bytesEach);
  const wished = baseBytes * 2 ** Math.log10(bytes() / 2 ** 20);
  const target = Math.min(mostBytes, Math.max(leastBytes, wished));
  const fits = (): boolean =>
    bytes() < mostBytes && (bytes() < target || Math.abs(bytes() - target) / target < 0.5);
  for (let turn = 0; !fits() && chunks.some((axis) => axis > 1); turn += 1) {
    const axis = turn % chunks.length;
    chunks[axis] = Math.ceil(chunks[axis]! / 2);
  }
  return chunks;
};

/** @returns UserError TensorfileInvalid */
export const invalidTensorfile = (path: string, found: string, cause?: unknown): UserError =>
  new UserError(
    'TensorfileInvalid',
    `Reading the tensorfile ${path}: ${found}. Generate the file again by tlt-int8-tensorfile, or calibrate from images.`,
    { cause },
  );
