/** Image batches, float32 [N,C,H,W]. The next batch is decoded while the caller uses the current one. */

import { decodableImages, type ErrorBudget, type Take } from './decodable-images.ts';
import type { ImageSize } from './decode.ts';
import type { ImageFile } from './image-list.ts';
import { readAhead } from './read-ahead.ts';
import { type FolderPixels, folderImage, type SampledImage, type WriteValues } from './sampled-image.ts';

/** Preprocessed images of one batch. */
export type Batch = {
  /** Float32 values in the order of `dims`. */
  readonly data: Float32Array;
  /** [N,C,H,W]. */
  readonly dims: readonly [number, number, number, number];
  /** One path per image, in batch order. */
  readonly paths: readonly string[];
};

/** How images become batches. */
export type BatchOptions<Image> = {
  readonly batchSize: number;
  /** Replacements for images that fail to decode, used first to last. */
  readonly spareImages?: readonly Image[];
  /** If undefined, the first broken image is an error. */
  readonly errorBudget?: ErrorBudget | undefined;
};

/**
 * Batches from image files, preprocessed alike; the last batch may be smaller. @throws UserError ImageInvalid,
 * TooFewImages
 */
export const imageBatches = (
  files: readonly ImageFile[],
  options: BatchOptions<ImageFile> & FolderPixels,
): AsyncGenerator<Batch> => {
  const image = (file: ImageFile): SampledImage => folderImage(file, options);
  const spareImages = (options.spareImages ?? []).map(image);
  return sampledBatches(readAhead(files).map(image), { ...options, spareImages });
};

/** A decoded image that is written into its batch. */
export type BatchImage = { readonly path: string; readonly write: WriteValues };

/** Batches from already chosen images; the last batch may be smaller. @throws UserError ImageInvalid, TooFewImages */
export const sampledBatches = (
  sampled: readonly SampledImage[],
  {
    size,
    batchSize,
    spareImages = [],
    errorBudget,
  }: BatchOptions<SampledImage> & { readonly size: ImageSize },
): AsyncGenerator<Batch> => {
  const load = async ({ path, decode }: SampledImage): Promise<BatchImage> => ({
    path,
    write: await decode(),
  });
  const images = sampled.length;
  const take = decodableImages([...sampled, ...spareImages].values(), { load, images, errorBudget });
  return batchesFrom(take, { size, batchSize, images });
};

/** Size of the images, images per batch, and number of images in all. */
export type BatchLayout = { readonly size: ImageSize; readonly batchSize: number; readonly images: number };

/**
 * Splits `images` images from `take` into batches of `batchSize`; the last batch may be smaller. @throws whatever `take`
 * throws
 */
export async function* batchesFrom(
  take: Take<BatchImage>,
  { size, batchSize, images }: BatchLayout,
): AsyncGenerator<Batch> {
  if (images === 0) return;
  const loadBatch = async (start: number): Promise<Batch> =>
    buildBatch(await take(Math.min(batchSize, images - start)), size);
  let next = loadBatch(0);
  for (let start = batchSize; start - batchSize < images; start += batchSize) {
    const current = await next;
    if (start < images) next = loadBatch(start);
    next.catch(() => {}); // Reported when the loop awaits it; without this, Node sees an unhandled rejection first.
    yield current;
  }
}

const buildBatch = (images: readonly BatchImage[], { channels, height, width }: ImageSize): Batch => {
  const length = channels * height * width;
  const data = new Float32Array(images.length * length);
  for (const [index, { write }] of images.entries()) write(data, index * length);
  return { data, dims: [images.length, channels, height, width], paths: images.map(({ path }) => path) };
};
