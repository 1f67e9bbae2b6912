/**
 * Calibration batches from the training data: sampled over the whole set, each image at most once, decoded one batch ahead.
 * The same plan and seed give the same images in the same order, at any batch size.
 */
import { stat } from 'node:fs/promises';
import { canonicalJson, sha256 } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { seededRandom } from '../../ground/base/rng.ts';
import { type Batch, type BatchImage, batchesFrom } from '../preprocessing/batches.ts';
import { decodableImages, type ErrorBudget } from '../preprocessing/decodable-images.ts';
import type { DecodedImage, SampledImage } from '../preprocessing/sampled-image.ts';
import { trainingImage } from '../preprocessing/training-image.ts';
import { openClassFolders, openKittiFolders } from './folder-sources.ts';
import { requireConfined } from './paths.ts';
import type { LoaderPlan } from './plan.ts';
import { type Draw, drawImages } from './sampling.ts';
import type { ImageSource } from './source.ts';
import { type DataSet, openTfrecords } from './tfrecord-sources.ts';

/** What to sample, and how to batch it. */
export type LoaderOptions = {
  readonly seed: number;
  readonly set: DataSet;
  /** Default: as many full batches as the set has. */
  readonly batches?: number;
  /** Images per batch. Default: the batch size of the plan. */
  readonly batchSize?: number;
  /** Images per yielded batch, if it differs from `batchSize`; the last one may then be smaller. */
  readonly microBatch?: number;
  /** Folder that relative paths of the spec start from; `$DATA_BASE_PATH` in TLT. */
  readonly dataRoot?: string;
  /** How many images may fail to decode; none if undefined. */
  readonly errorBudget?: ErrorBudget;
};

/** An open data set and the batches of its sample. */
export type Loader = {
  /** Number of images in the whole set. */
  readonly available: number;
  /** Number of classes, if classes are folders. */
  readonly classes: number | undefined;
  /** Total number of images in `batches`. */
  readonly images: number;
  readonly batches: AsyncIterable<Batch>;
  /** Held-out images, in sampling order. Call it after `batches` is consumed. */
  readonly rest: () => AsyncGenerator<SampledImage>;
  /** SHA-256 over the number of images and the path and size of each sampled one; does not read the images. */
  readonly digest: () => Promise<string>;
};

/**
 * Opens the data set by reading names and record frames only. Iterating over `batches` decodes images and can throw UserError
 * ImageInvalid or DatasetInvalid. @throws UserError InputNotFound, DatasetInvalid, TooFewImages
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
  const draws = drawImages(sources, seededRandom(seed));
  const load = createImageReader(plan);
  const take = decodableImages(draws, {
    load: async (draw) => toBatchImage(await load(draw)),
    images,
    errorBudget,
  });
  return {
    available: there,
    classes: sources[0]?.classes,
    images,
    batches: batchesFrom(take, { size: plan.size, batchSize: options.microBatch ?? batchSize, images }),
    rest: () => remainingImages(draws, load),
    digest: async () =>
      sha256(canonicalJson([there, await readSizes(drawImages(sources, seededRandom(seed)), images)])),
  };
};

async function* remainingImages(
  draws: Iterable<Draw>,
  load: (draw: Draw) => Promise<DecodedImage>,
): AsyncGenerator<SampledImage> {
  for (const draw of draws) {
    const { path } = await draw.source.imageAt(draw.index);
    yield {
      path,
      decode: async () => toBatchImage(await load(draw)).write,
      load: async () => (await load(draw)).data,
    };
  }
}

const toBatchImage = ({ path, data }: DecodedImage): BatchImage => ({
  path,
  write: (target, offset) => target.set(data, offset),
});

/** Path and size of the first images; size -1 for a missing file, which is reported when it is read. */
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
    'Sampling the validation set: the spec does not define one. Add it to the spec, or sample the training set.',
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
    `Sampling the ${set} set: ${batches} batches of ${batchSize} need ${batches * batchSize} images, but it has ${there} (${Math.floor(there / batchSize)} batches). Reduce the number of batches, or check the paths, fold and image extension in the spec.`,
  );
