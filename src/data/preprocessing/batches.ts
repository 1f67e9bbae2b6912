/** Images as batches [N,C,H,W] of float32; while one batch is used, the next one is decoded. */
import type { ImageSize } from './decode.ts';
import { type FolderPixels, folderImage, type SampledImage } from './sampled-image.ts';
import { type Allowance, type SoundImage, soundImages, type Take } from './sound-images.ts';

export type Batch = {
  readonly data: Float32Array;
  readonly dims: readonly [number, number, number, number];
  readonly paths: readonly string[];
};

export type BatchOptions<Image> = {
  readonly batchSize: number;
  /** Take the places of images that are left out, first to last. */
  readonly spares?: readonly Image[];
  /** Not one may be broken if undefined. */
  readonly allowance?: Allowance | undefined;
};

/** Pictures of a folder. The last batch may be shorter. @throws UserError ImageInvalid, TooFewImages */
export const imageBatches = (
  paths: readonly string[],
  options: BatchOptions<string> & FolderPixels,
): AsyncGenerator<Batch> => {
  const image = (path: string): SampledImage => folderImage(path, options);
  const spares = (options.spares ?? []).map(image);
  return sampledBatches(paths.map(image), { ...options, spares });
};

/** The last batch may be shorter. @throws UserError ImageInvalid, TooFewImages */
export const sampledBatches = (
  sampled: readonly SampledImage[],
  { size, batchSize, spares = [], allowance }: BatchOptions<SampledImage> & { readonly size: ImageSize },
): AsyncGenerator<Batch> => {
  const load = async ({ path, load: read }: SampledImage): Promise<SoundImage> => ({
    path,
    data: await read(),
  });
  const images = sampled.length;
  const take = soundImages([...sampled, ...spares].values(), { load, images, allowance });
  return batchesFrom(take, { size, batchSize, images });
};

export type Cut = { readonly size: ImageSize; readonly batchSize: number; readonly images: number };

/** So many images, cut into batches; the last one may be shorter. */
export async function* batchesFrom(take: Take, { size, batchSize, images }: Cut): AsyncGenerator<Batch> {
  if (images === 0) return;
  const at = async (start: number): Promise<Batch> =>
    batchOf(await take(Math.min(batchSize, images - start)), size);
  let next = at(0);
  for (let start = batchSize; start - batchSize < images; start += batchSize) {
    const current = await next;
    if (start < images) next = at(start);
    next.catch(() => {}); // Told when it is its turn; until then it must not count as unhandled.
    yield current;
  }
}

const batchOf = (images: readonly SoundImage[], { channels, height, width }: ImageSize): Batch => {
  const length = channels * height * width;
  const data = new Float32Array(images.length * length);
  for (const [index, image] of images.entries()) data.set(image.data, index * length);
  return { data, dims: [images.length, channels, height, width], paths: images.map(({ path }) => path) };
};
