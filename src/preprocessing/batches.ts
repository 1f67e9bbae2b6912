/** Images as batches [N,C,H,W] of float32; while one batch is used, the next one is decoded. */
import { decodeImage, type ImageSize } from './decode.ts';
import { normaliseInto, type Preprocessing } from './normalise.ts';

export type Batch = {
  readonly data: Float32Array;
  readonly dims: readonly [number, number, number, number];
  readonly paths: readonly string[];
};

export type BatchOptions = {
  readonly size: ImageSize;
  readonly preprocessing: Preprocessing;
  readonly batchSize: number;
};

/** The last batch may be shorter. @throws UserError ImageInvalid */
export const imageBatches = (paths: readonly string[], options: BatchOptions): AsyncGenerator<Batch> =>
  oneAhead(Math.ceil(paths.length / options.batchSize), (index) =>
    batchAt(paths, index * options.batchSize, options),
  );

/** `count` items, each made while the one before it is used; `make` is never called before its last call has ended. */
export async function* oneAhead<T>(count: number, make: (index: number) => Promise<T>): AsyncGenerator<T> {
  if (count === 0) return;
  let next = make(0);
  for (let index = 1; index <= count; index++) {
    const current = await next;
    if (index < count) next = make(index);
    next.catch(() => {}); // Told when it is its turn; until then it must not count as unhandled.
    yield current;
  }
}

const batchAt = async (paths: readonly string[], start: number, options: BatchOptions): Promise<Batch> => {
  const { size, preprocessing, batchSize } = options;
  const chosen = paths.slice(start, start + batchSize);
  const length = size.channels * size.height * size.width;
  const data = new Float32Array(chosen.length * length);
  const place = async (path: string, index: number): Promise<void> =>
    normaliseInto(data, index * length, await decodeImage(path, size), preprocessing);
  await Promise.all(chosen.map(place));
  return { data, dims: [chosen.length, size.channels, size.height, size.width], paths: chosen };
};
