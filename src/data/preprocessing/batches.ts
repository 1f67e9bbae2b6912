/** Images as batches [N,C,H,W] of float32; while one batch is used, the next one is decoded. */

import { type DecodedImage, decodableImages, type ErrorBudget, type Take } from './decodable-images.ts';
import type { ImageSize } from './decode.ts';
import { type FolderPixels, folderImage, type SampledImage } from './sampled-image.ts';

export type Batch = {
  readonly data: Float32Array;
  readonly dims: readonly [number, number, number, number];
  readonly paths: readonly string[];
};

export type BatchOptions<Image> = {
  readonly batchSize: number;
  /** Take the places of images that are left out, first to last. */
  readonly spareImages?: readonly Image[];
  /** Not one may be broken if undefined. */
  readonly errorBudget?: ErrorBudget | undefined;
};

/** Pictures of a folder. The last batch may be shorter. @throws UserError ImageInvalid, TooFewImages */
export const imageBatches = (
  paths: readonly string[],
  options: BatchOptions<string> & FolderPixels,
): AsyncGenerator<Batch> => {
  const image = (path: string): SampledImage => folderImage(path, options);
  const spareImages = (options.spareImages ?? []).map(image);
  return sampledBatches(paths.map(image), { ...options, spareImages });
};

/** The last batch may be shorter. @throws UserError ImageInvalid, TooFewImages */
export const sampledBatches = (
  sampled: readonly SampledImage[],
  {
    size,
    batchSize,
    spareImages = [],
    errorBudget,
  }: BatchOptions<SampledImage> & { readonly size: ImageSize },
): AsyncGenerator<Batch> => {
  const load = async ({ path, load: read }: SampledImage): Promise<DecodedImage> => ({
    path,
    data: await read(),
  });
  const images = sampled.length;
  const take = decodableImages([...sampled, ...spareImages].values(), { load, images, errorBudget });
  return batchesFrom(take, { size, batchSize, images });
};

export type BatchLayout = { readonly size: ImageSize; readonly batchSize: number; readonly images: number };

/** So many images, cut into batches; the last one may be shorter. */
export async function* batchesFrom(
  take: Take,
  { size, batchSize, images }: BatchLayout,
): AsyncGenerator<Batch> {
  if (images === 0) return;
  const loadBatch = async (start: number): Promise<Batch> =>
    buildBatch(await take(Math.min(batchSize, images - start)), size);
  let next = loadBatch(0);
  for (let start = batchSize; start - batchSize < images; start += batchSize) {
    const current = await next;
    if (start < images) next = loadBatch(start);
    next.catch(() => {}); // Told when it is its turn; until then it must not count as unhandled.
    yield current;
  }
}

const buildBatch = (images: readonly DecodedImage[], { channels, height, width }: ImageSize): Batch => {
  const length = channels * height * width;
  const data = new Float32Array(images.length * length);
  for (const [index, image] of images.entries()) data.set(image.data, index * length);
  return { data, dims: [images.length, channels, height, width], paths: images.map(({ path }) => path) };
};
