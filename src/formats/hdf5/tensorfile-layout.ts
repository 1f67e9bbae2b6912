/**
 * Layout of TLT's tensorfile in HDF5: attributes `count` and `shape`, and for each batch a group with one array
 * [N,C,H,W], gzip level 4, in the chunk shape that h5py chooses.
 */
import { UserError } from '../../ground/base/errors.ts';

/** A batch in a tensorfile; the same shape as the batches of images that preprocessing yields. */
export type TensorBatch = {
  readonly data: Float32Array;
  /** [N,C,H,W] */
  readonly dims: readonly [number, number, number, number];
  /** Names for error messages: image files, or positions in a tensorfile. */
  readonly paths: readonly string[];
};

/** Name of a batch's group; the two underscores are TLT's. */
export const batchGroup = (number: number): string => `_tensorfile_array_key__${number}`;
/** Name of the array in a batch's group. */
export const soleArray = '_tensorfile_array_key_';

const [leastBytes, mostBytes] = [8 * 1024, 1024 * 1024];
const baseBytes = 16 * 1024;

/**
 * The chunk shape that h5py chooses (`guess_chunk` in h5py/_hl/filters.py): axes are halved in turn until a chunk is
 * near a target size that grows with the array.
 */
export const guessChunkShape = (dims: readonly number[], bytesEach: number): number[] => {
  const chunks = dims.map((axis) => Math.max(1, axis));
  const bytes = (): number => chunks.reduce((product, axis) => product * axis, bytesEach);
  const scaled = baseBytes * 2 ** Math.log10(bytes() / 2 ** 20);
  const target = Math.min(mostBytes, Math.max(leastBytes, scaled));
  const isSmallEnough = (): boolean =>
    bytes() < mostBytes && (bytes() < target || Math.abs(bytes() - target) / target < 0.5);
  for (let turn = 0; !isSmallEnough() && chunks.some((axis) => axis > 1); turn += 1) {
    const axis = turn % chunks.length;
    chunks[axis] = Math.ceil(chunks[axis]! / 2);
  }
  return chunks;
};

/** Creates a UserError TensorfileInvalid with the remedy. */
export const invalidTensorfile = (path: string, found: string, cause?: unknown): UserError =>
  new UserError(
    'TensorfileInvalid',
    `Reading the tensorfile ${path}: ${found}. Generate the file again by tlt-int8-tensorfile, or calibrate from images.`,
    { cause },
  );
