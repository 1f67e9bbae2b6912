/**
 * The training's own data as calibration batches: sampled over the whole set, each image at most once, decoded one
 * batch ahead. The same plan and seed give the same images in the same order, however they are cut into batches.
 */
import { stat } from 'node:fs/promises';
import { canonicalJson, sha256 } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { seeded } from '../../ground/base/rng.ts';
import { type Batch, batchesFrom } from '../preprocessing/batches.ts';
import { type DecodedImage, decodableImages, type ErrorBudget } from '../preprocessing/decodable-images.ts';
import type { SampledImage } from '../preprocessing/sampled-image.ts';
import { trainingImage } from '../preprocessing/training-image.ts';
import { openClassFolders, openKittiFolders } from './folder-sources.ts';
import { requireConfined } from './paths.ts';
import type { LoaderPlan } from './plan.ts';
import { type Draw, drawImages } from './sampling.ts';
import type { ImageSource } from './source.ts';
import { type DataSet, openTfrecords } from './tfrecord-sources.ts';

export type LoaderOptions = {
  readonly seed: number;
  readonly set: DataSet;
  /** All full batches of the set if undefined. */
  readonly batches?: number;
  /** The plan's if undefined. */
  readonly batchSize?: number;
  /** Images in each batch that comes out, where that is another number; the last one may be shorter then. */
  readonly microBatch?: number;
  /** What the spec's relative paths lie below; TLT's `$DATA_BASE_PATH`. */
  readonly dataRoot?: string;
  /** Broken images that may be left out; none if undefined. */
  readonly errorBudget?: ErrorBudget;
};

export type Loader = {
  /** Images of the whole set. */
  readonly available: number;
  /** Of the whole set, where classes are folders. */
  readonly classes: number | undefined;
  /** Images that the batches will hold. */
  readonly images: number;
  readonly batches: AsyncIterable<Batch>;
  /** Once the batches were used: the images of the set that are in none of them, in the order of the draw. */
  readonly rest: () => AsyncGenerator<SampledImage>;
  /** Over how many images there are, and the paths and sizes of those that are drawn: cheap where reading all would not be. */
  readonly digest: () => Promise<string>;
};

/**
 * Looks at names and frames alone; images are read with the batches, which throw UserError ImageInvalid and
 * DatasetInvalid. @throws UserError InputNotFound, DatasetInvalid, TooFewImages
 */
export const openLoader = async (plan: LoaderPlan, options: LoaderOptions): Promise<Loader> => {
  const { batchSize = plan.batchSize, set } = options;
  const sources = await openSources(plan, { set, dataRoot: options.dataRoot });
  const there = sources.reduce((sum, { count }) => sum + count, 0);
  const batches = options.batches ?? Math.floor(there / batchSize);
  const images = batches * batchSize;
  if (set === 'validation' && !hasValidationSet(plan)) throw noValidationSet();
  if (images === 0 || images > there)
    throw tooFewImages({ there, set, batches: Math.max(1, batches), batchSize });
  const { errorBudget, seed } = options;
  const draws = drawImages(sources, seeded(seed));
  const load = createImageReader(plan);
  const take = decodableImages(draws, { load, images, errorBudget });
  return {
    available: there,
    classes: sources[0]?.classes,
    images,
    batches: batchesFrom(take, { size: plan.size, batchSize: options.microBatch ?? batchSize, images }),
    rest: () => remainingImages(draws, load),
    digest: async () =>
      sha256(canonicalJson([there, await readSizes(drawImages(sources, seeded(seed)), images)])),
  };
};

async function* remainingImages(
  draws: Iterable<Draw>,
  load: (draw: Draw) => Promise<DecodedImage>,
): AsyncGenerator<SampledImage> {
  for (const draw of draws) {
    const { path } = await draw.source.imageAt(draw.index);
    yield { path, load: async () => (await load(draw)).data };
  }
}

/** Path and size of the first images; -1 for one that is not there, which is told when it is read. */
const readSizes = async (draws: Iterator<Draw>, images: number): Promise<readonly [string, number][]> => {
  const sizes: [string, number][] = [];
  for (let { value, done } = draws.next(); !done && sizes.length < images; { value, done } = draws.next()) {
    const { path, bytes } = await value.source.imageAt(value.index);
    const size = bytes
      ? bytes.length
      : await stat(path).then(
          ({ size }) => size,
          () => -1,
        );
    sizes.push([path, size]);
  }
  return sizes;
};

const createImageReader = (plan: LoaderPlan): ((draw: Draw) => Promise<DecodedImage>) => {
  const image = trainingImage(plan);
  return async ({ source, index }) => {
    const input = await source.imageAt(index);
    if (!input.bytes) await requireConfined(plan.within, input.path);
    return { path: input.path, data: await image(input) };
  };
};

const openSources = (
  plan: LoaderPlan,
  where: { readonly set: DataSet; readonly dataRoot: string | undefined },
): Promise<readonly ImageSource[]> => {
  switch (plan.kind) {
    case 'tfrecords':
      return openTfrecords(plan, where);
    case 'classFolders':
      return openClassFolders(plan, where);
    case 'kittiFolders':
      return openKittiFolders(plan, where);
  }
};

const hasValidationSet = (plan: LoaderPlan): boolean =>
  plan.kind === 'kittiFolders' ? plan.validation.length > 0 : plan.validation !== undefined;

const noValidationSet = (): UserError =>
  new UserError(
    'TooFewImages',
    'Drawing from the validation set: the spec names no validation set. Name one there, or draw from the training set.',
  );

type Shortage = {
  readonly there: number;
  readonly set: DataSet;
  readonly batches: number;
  readonly batchSize: number;
};

const tooFewImages = ({ there, set, batches, batchSize }: Shortage): UserError =>
  new UserError(
    'TooFewImages',
    `Drawing from the ${set} set: ${batches} batches of ${batchSize} need ${batches * batchSize} images, and ${there} are there (${Math.floor(there / batchSize)} batches). Ask for fewer batches, or check the paths, fold and image endings in the spec.`,
  );
