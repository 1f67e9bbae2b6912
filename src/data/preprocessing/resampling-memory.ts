/** Memory in which the resampling kernel finds weights and pixels. */
import { pageBytes } from '../../ground/base/webassembly.ts';
import { makeResamplingKernel, type ResamplingKernel, spareBytes } from './resampling-kernel.ts';
import type { FixedWeights } from './resampling-weights.ts';

/** Sizes in bytes. */
export type ResamplingSizes = {
  /** Distance of two source bytes with neighbouring weights. */
  readonly step: number;
  readonly source: number;
  /** One row. */
  readonly result: number;
};

/** Places of a pass, and its functions. */
export type ResamplingPass = {
  readonly source: Uint8Array;
  readonly result: Uint8Array;
  /** Computes a row of the result, each pixel with its own weights, from the row at the start of `source`. */
  readonly sumPixels: () => void;
  /** Computes row `out` of the result from the rows from `offset`, in bytes, of `source`. */
  readonly sumRows: (out: number, offset: number) => void;
};

class Workspace {
  readonly bytes: ArrayBuffer;
  readonly kernel: ResamplingKernel;

  constructor(size: number) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(size / pageBytes) });
    this.bytes = memory.buffer;
    this.kernel = makeResamplingKernel(memory);
  }
}

/** Enough for photos. Pages that are never touched take no memory of the machine. */
const keptBytes = 2 ** 21;
let kept: Workspace | undefined;

/** What a picture with longer rows or more weights needs is freed after it. */
const takeWorkspace = (size: number): Workspace => {
  if (size > keptBytes) return new Workspace(size);
  kept ??= new Workspace(keptBytes);
  return kept;
};

const wordBytes = Int32Array.BYTES_PER_ELEMENT;

/** Prepares a pass with these weights. It ends when the next one is prepared. */
export const prepareResampling = (
  { first, weights, taps }: FixedWeights,
  { step, source, result }: ResamplingSizes,
): ResamplingPass => {
  const weightsAt = wordBytes * first.length;
  const sourceAt = weightsAt + wordBytes * weights.length;
  const resultAt = sourceAt + source + step + spareBytes; // `step`, because there may be a weight more than positions
  const end = resultAt + result;
  const { bytes, kernel } = takeWorkspace(end + spareBytes);
  new Int32Array(bytes, 0, first.length).set(first.map((position) => position * step));
  new Int32Array(bytes, weightsAt, weights.length).set(weights);
  const perOutput = wordBytes * taps;
  return {
    source: new Uint8Array(bytes, sourceAt, source),
    result: new Uint8Array(bytes, resultAt, result),
    sumPixels: () => kernel.sumPixels(weightsAt, perOutput, step, sourceAt, resultAt, end),
    sumRows: (out, offset) =>
      kernel.sumRows(weightsAt + out * perOutput, perOutput, step, sourceAt + offset, resultAt, end),
  };
};
