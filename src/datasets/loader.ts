/**
 * The training's own data as calibration batches: sampled over the whole set, each image at most once, decoded one
 * batch ahead. The same plan and seed give the same images in the same order, however they are cut into batches.
 */
import { UserError } from '../base/errors.ts';
import { seeded } from '../calibration/rng.ts';
import { type Batch, oneAhead } from '../preprocessing/batches.ts';
import { trainingImage } from '../preprocessing/training-image.ts';
import { classFolderSources, kittiSources } from './folder-sources.ts';
import type { LoaderPlan } from './plan.ts';
import { drawn } from './sampling.ts';
import { type Allowance, soundImages } from './sound-images.ts';
import type { ImageSource } from './source.ts';
import { type DataSet, tfrecordSources } from './tfrecord-sources.ts';

export type LoaderOptions = {
  readonly seed: number;
  readonly set: DataSet;
  /** All full batches of the set if undefined. */
  readonly batches?: number;
  /** The plan's if undefined. */
  readonly batchSize?: number;
  /** What the spec's relative paths lie below; TLT's `$DATA_BASE_PATH`. */
  readonly dataRoot?: string;
  /** Broken images that may be left out; none if undefined. */
  readonly allowance?: Allowance;
};

export type Loader = {
  /** Images that the batches will hold: every batch is full. */
  readonly images: number;
  readonly batches: AsyncIterable<Batch>;
};

/**
 * Looks at names and frames alone; images are read with the batches, which throw UserError ImageInvalid and
 * DatasetInvalid. @throws UserError InputNotFound, DatasetInvalid, TooFewImages
 */
export const openLoader = async (plan: LoaderPlan, options: LoaderOptions): Promise<Loader> => {
  const { batchSize = plan.batchSize, set } = options;
  const sources = await sourcesOf(plan, { set, dataRoot: options.dataRoot });
  const there = sources.reduce((sum, { count }) => sum + count, 0);
  const batches = options.batches ?? Math.floor(there / batchSize);
  const images = batches * batchSize;
  if (images === 0 || images > there) throw tooFew({ there, set, batches: Math.max(1, batches), batchSize });
  const sound = soundImages(drawn(sources, seeded(options.seed)), {
    load: trainingImage(plan),
    images,
    allowance: options.allowance ?? { share: 0, onBroken: () => {} },
  });
  return { images, batches: batchesOf(sound, { plan, batchSize, batches }) };
};

const sourcesOf = (
  plan: LoaderPlan,
  where: { readonly set: DataSet; readonly dataRoot: string | undefined },
): Promise<readonly ImageSource[]> => {
  switch (plan.kind) {
    case 'tfrecords':
      return tfrecordSources(plan, where);
    case 'classFolders':
      return classFolderSources(plan, where);
    case 'kittiFolders':
      return kittiSources(plan, where);
  }
};

type Cut = { readonly plan: LoaderPlan; readonly batchSize: number; readonly batches: number };
type Take = ReturnType<typeof soundImages>;

const batchesOf = (take: Take, { plan: { size }, batchSize, batches }: Cut): AsyncIterable<Batch> => {
  const length = size.channels * size.height * size.width;
  return oneAhead(batches, async () => {
    const images = await take(batchSize);
    const data = new Float32Array(batchSize * length);
    for (const [index, image] of images.entries()) data.set(image.data, index * length);
    const dims = [batchSize, size.channels, size.height, size.width] as const;
    return { data, dims, paths: images.map(({ path }) => path) };
  });
};

type Shortage = {
  readonly there: number;
  readonly set: DataSet;
  readonly batches: number;
  readonly batchSize: number;
};

const tooFew = ({ there, set, batches, batchSize }: Shortage): UserError =>
  new UserError(
    'TooFewImages',
    `Drawing from the ${set} set: ${batches} batches of ${batchSize} need ${batches * batchSize} images, and ${there} are there (${Math.floor(there / batchSize)} batches). Ask for fewer batches, or check the paths, fold and image endings in the spec.`,
  );
