/** What an int8 export is calibrated from: the decision over the flags, and the batches that come of it. */

import { type Loader, type LoaderOptions, openLoader } from '../../data/datasets/loader.ts';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import { type Batch, imageBatches } from '../../data/preprocessing/batches.ts';
import type { ErrorBudget } from '../../data/preprocessing/decodable-images.ts';
import { type ImageSample, sampleImages } from '../../data/preprocessing/image-list.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import {
  type SamplePart,
  selectPart,
  selectPartOfBatches,
  wholeSample,
} from '../../data/preprocessing/sample-part.ts';
import { type FolderPixels, folderImage, type SampledImage } from '../../data/preprocessing/sampled-image.ts';
import { toPreprocessing } from '../../data/preprocessing/values.ts';
import { readTensorfileBatches } from '../../formats/hdf5/tensorfile-reader.ts';
import { writeTensorfile } from '../../formats/hdf5/tensorfile-writer.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { folderDigest } from './folder-digest.ts';

export type CalibrationSource =
  | { readonly kind: 'Images'; readonly folder: string }
  | { readonly kind: 'Tensorfile'; readonly path: string }
  /** The images become a tensorfile, which is then calibrated from. */
  | { readonly kind: 'TensorfileOfImages'; readonly path: string; readonly folder: string }
  /** The training data loader, as the experiment spec `name` sets it up. */
  | {
      readonly kind: 'Loader';
      readonly name: string;
      readonly plan: LoaderPlan;
      readonly dataRoot: string | undefined;
    };

export type SourceFlags = {
  readonly tensorfile: string | undefined;
  /** Whether something is at `tensorfile`. */
  readonly tensorfileExists: boolean;
  readonly imageFolder: string | undefined;
  /** The training's data loader, if there is a spec; it may throw UserError SpecInvalid. */
  readonly loader: (() => CalibrationSource) | undefined;
};

/**
 * What is named is used; the loader stands in where no other data are. Undefined if there is nothing to calibrate with:
 * random data never stand in. @throws UserError OutputExists where images would replace a tensorfile, InputNotFound
 */
export const chooseCalibrationSource = (flags: SourceFlags): CalibrationSource | undefined => {
  const { tensorfile: path, tensorfileExists, imageFolder: folder, loader } = flags;
  if (path === undefined) return folder === undefined ? loader?.() : { kind: 'Images', folder };
  if (folder === undefined && tensorfileExists) return { kind: 'Tensorfile', path };
  if (folder === undefined)
    throw new UserError(
      'InputNotFound',
      `Calibrating from the tensorfile ${path}: it does not exist. Name an existing one, or give ${field('imageDirectory')} to create it from those images${loader ? `; or omit ${field('tensorfile')} to calibrate on the training data of ${field('experimentSpec')}` : ''}.`,
    );
  if (!tensorfileExists) return { kind: 'TensorfileOfImages', path, folder };
  throw new UserError(
    'OutputExists',
    `Writing the tensorfile ${path} from the images in ${folder}: it exists already and was left as it is. Omit ${field('imageDirectory')} to calibrate from it, or remove it, or choose another name.`,
  );
};

/** Where the data came from, as a report names it. */
export const nameOfSource = (source: CalibrationSource): string =>
  source.kind === 'Tensorfile' ? source.path : source.kind === 'Loader' ? source.name : source.folder;

export type SourceRequest = {
  readonly source: CalibrationSource;
  readonly batches: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Images that go through the network at once. */
  readonly rows: number;
  /** Broken images that are put up with; none if undefined. */
  readonly errorBudget?: ErrorBudget;
  /** Of the sample; all of it if undefined. */
  readonly part?: SamplePart;
  /** Stops the writing of a tensorfile between two batches. */
  readonly signal?: AbortSignal;
};

export type OpenedSource = {
  readonly batches: AsyncIterable<Batch>;
  /** Once the batches were used: images of the same source that are in none of them. A tensorfile names none. */
  readonly heldOut: () => AsyncIterable<SampledImage> | Iterable<SampledImage>;
  /** Known then, too: so many of those that a folder's sample left over took the place of broken ones. */
  readonly consumed: () => number;
  /** What the images went through; undefined where a file holds the values alone. */
  readonly preprocessing: Preprocessing | undefined;
};

/** Writes the tensorfile, if one is to be made. @throws as reader, writer, sampleImages and imageBatches */
export const openSource = async (opened: OpenedModel, request: SourceRequest): Promise<OpenedSource> => {
  const { source, rows, batchSize, part = wholeSample } = request;
  const together = opened.fixedBatch ?? 1;
  const stored = (path: string) =>
    selectPartOfBatches(readTensorfileBatches(path, { ...opened, ...request }), part, together);
  if (source.kind === 'Tensorfile') return { ...noImages, batches: stored(source.path) };
  if (source.kind === 'Loader') return openTraining(opened, source, request);
  const drawn = await sampleImages(source.folder, request);
  const pixels = pixelsOf(opened);
  if (source.kind === 'Images')
    return readImages(selectImages(drawn, part, together), request, { ...pixels, batchSize: rows });
  const { part: _, ...whole } = request; // the tensorfile has every image, whichever part is counted
  const images = readImages(drawn, whole, { ...pixels, batchSize });
  await writeTensorfile(source.path, stopOnAbort(images.batches, request.signal));
  return { ...images, batches: stored(source.path) };
};

async function* stopOnAbort(batches: AsyncIterable<Batch>, signal?: AbortSignal): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    signal?.throwIfAborted();
    yield batch;
  }
}

const selectImages = ({ chosen, heldOut }: ImageSample, part: SamplePart, together: number): ImageSample => ({
  chosen: selectPart(chosen, part, together),
  heldOut: selectPart(heldOut, part),
});

/** What the data are recognised by: the file, or names and sizes of images, which is cheap where reading all is not. */
export const digestOfSource = async (
  source: CalibrationSource,
  request: Pick<SourceRequest, 'batches' | 'batchSize' | 'seed'>,
): Promise<string> => {
  if (source.kind === 'Tensorfile') return fileDigest(source.path);
  if (source.kind !== 'Loader') return folderDigest(source.folder);
  const { batches, batchSize, seed } = request;
  return (await openTrainingLoader(source, { batches, batchSize, seed })).digest();
};

type LoaderSource = Extract<CalibrationSource, { kind: 'Loader' }>;

const openTrainingLoader = (
  { plan, dataRoot }: LoaderSource,
  options: Omit<LoaderOptions, 'set' | 'dataRoot'>,
): Promise<Loader> =>
  openLoader(plan, { ...options, set: 'training', ...(dataRoot !== undefined && { dataRoot }) });

const noImages: Omit<OpenedSource, 'batches'> = {
  heldOut: () => [],
  consumed: () => 0,
  preprocessing: undefined,
};

/** The plan's batch size is the training's; calibration asks for its own. */
const openTraining = async (
  { channels, height, width, fixedBatch }: OpenedModel,
  source: LoaderSource,
  { batches, batchSize, rows, seed, errorBudget, part = wholeSample }: SourceRequest,
): Promise<OpenedSource> => {
  const { name, plan } = source;
  const { size } = plan;
  if (size.channels !== channels || size.height !== height || size.width !== width)
    throw new UserError(
      'SpecInvalid',
      `Calibrating from the training data of ${name}: its images are ${size.channels}×${size.height}×${size.width} (channels, height, width), and the model takes ${channels}×${height}×${width}. Give the spec that this model was trained with.`,
    );
  const options = { batches, batchSize, microBatch: rows, seed, ...(errorBudget && { errorBudget }) };
  const loader = await openTrainingLoader(source, options);
  return {
    batches: selectPartOfBatches(loader.batches, part, fixedBatch),
    heldOut: loader.rest,
    consumed: () => 0,
    preprocessing: toPreprocessing(plan.values),
  };
};

/** Each broken image, spares included, spends one spare. */
const readImages = (
  drawn: ImageSample,
  { errorBudget, part = wholeSample }: SourceRequest,
  pixels: FolderPixels & { readonly batchSize: number },
): OpenedSource => {
  let broken = 0;
  const onBroken = (error: UserError): void => {
    broken++;
    errorBudget?.onBroken(error);
  };
  const share = errorBudget?.share ?? 0;
  const batches = imageBatches(drawn.chosen, {
    ...pixels,
    spareImages: drawn.heldOut,
    errorBudget: { share, onBroken },
  });
  return {
    batches,
    heldOut: () => drawn.heldOut.slice(broken).map((path) => folderImage(path, pixels)),
    consumed: () => (broken === 0 ? 0 : (broken - 1) * part.of + part.part),
    preprocessing: pixels.preprocessing,
  };
};

/** Size and preprocessing of what this model is fed of a folder. */
export const pixelsOf = ({ channels, height, width, preprocessing }: OpenedModel): FolderPixels => ({
  size: { channels, height, width },
  preprocessing,
});
