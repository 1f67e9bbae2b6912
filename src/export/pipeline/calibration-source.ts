/** Calibration sources: choosing one from the flags, and reading batches from it. */

import type { Loader, LoaderOptions } from '../../data/datasets/loader.ts';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import { type Batch, imageBatches } from '../../data/preprocessing/batches.ts';
import type { ErrorBudget } from '../../data/preprocessing/decodable-images.ts';
import {
  type ImageFolder,
  type ImageSample,
  nameOfFolder,
  sampleImages,
} from '../../data/preprocessing/image-list.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import {
  type SamplePart,
  selectPart,
  selectPartOfBatches,
  wholeSample,
} from '../../data/preprocessing/sample-part.ts';
import {
  type FolderPixels,
  folderImages,
  type SampledImage,
} from '../../data/preprocessing/sampled-image.ts';
import { toPreprocessing } from '../../data/preprocessing/values.ts';
import type { readTensorfileBatches } from '../../formats/hdf5/tensorfile-reader.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { folderDigest } from './folder-digest.ts';

/** Where calibration data come from. */
export type CalibrationSource =
  | { readonly kind: 'Images'; readonly folder: ImageFolder }
  | { readonly kind: 'Tensorfile'; readonly path: string }
  /** The images are written to a tensorfile, which is then the source. */
  | { readonly kind: 'TensorfileOfImages'; readonly path: string; readonly folder: string }
  /** The training data loader configured by the experiment spec `name`. */
  | {
      readonly kind: 'Loader';
      readonly name: string;
      readonly plan: LoaderPlan;
      readonly dataRoot: string | undefined;
    };

/** Flags that determine the source. */
export type SourceFlags = {
  readonly tensorfile: string | undefined;
  /** Whether the file `tensorfile` exists. */
  readonly tensorfileExists: boolean;
  readonly imageFolder: string | undefined;
  /** The training data loader, if there is a spec. May throw UserError SpecInvalid. */
  readonly loader: (() => CalibrationSource) | undefined;
};

/**
 * Named data are used; the training data loader is the fallback. Undefined if there is nothing to calibrate with:
 * random data are never a fallback. @throws UserError OutputExists if images would replace a tensorfile, InputNotFound
 */
export const chooseCalibrationSource = (flags: SourceFlags): CalibrationSource | undefined => {
  const { tensorfile: path, tensorfileExists, imageFolder: folder, loader } = flags;
  if (path === undefined) return folder === undefined ? loader?.() : { kind: 'Images', folder };
  if (folder === undefined && tensorfileExists) return { kind: 'Tensorfile', path };
  if (folder === undefined)
    throw new UserError(
      'InputNotFound',
      `Calibrating from the tensorfile ${path}: it does not exist. Name an existing one, or set ${field('imageDirectory')} to create it from those images${loader ? `; or omit ${field('tensorfile')} to calibrate on the training data of ${field('experimentSpec')}` : ''}.`,
    );
  if (!tensorfileExists) return { kind: 'TensorfileOfImages', path, folder };
  throw new UserError(
    'OutputExists',
    `Writing the tensorfile ${path} from the images in ${folder}: it exists and was left unchanged. Omit ${field('imageDirectory')} to calibrate from it, remove it, or choose another name.`,
  );
};

/** Origin of the data, as named in a report. */
export const nameOfSource = (source: CalibrationSource): string => {
  if (source.kind === 'Tensorfile') return source.path;
  return source.kind === 'Loader' ? source.name : nameOfFolder(source.folder);
};

/** Which sample of a source to read. */
export type SourceRequest = {
  readonly source: CalibrationSource;
  readonly batches: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Images per batch of the network. */
  readonly rows: number;
  /** Broken images that are tolerated; none if undefined. */
  readonly errorBudget?: ErrorBudget;
  /** Part of the sample; all of it if undefined. */
  readonly part?: SamplePart;
  /** Stops the writing of a tensorfile between two batches. */
  readonly signal?: AbortSignal;
};

/** Batches of a source, and the images left over. */
export type OpenedSource = {
  readonly batches: AsyncIterable<Batch>;
  /**
   * Held-out images: those of the source that are in no batch. Call it after the batches were read. A tensorfile has
   * none.
   */
  readonly heldOut: () => AsyncIterable<SampledImage> | Iterable<SampledImage>;
  /** Number of images of the folder's remainder that replaced broken ones. Call it after the batches were read. */
  readonly consumed: () => number;
  /** Preprocessing of the images; undefined if a file holds only the values. */
  readonly preprocessing: Preprocessing | undefined;
};

/**
 * Opens a source; writes the tensorfile first if the source is TensorfileOfImages.
 * @throws UserError as `readTensorfileBatches`, `writeTensorfile`, `sampleImages` and `imageBatches`
 */
export const openSource = async (opened: OpenedModel, request: SourceRequest): Promise<OpenedSource> => {
  const { source, rows, batchSize, part = wholeSample } = request;
  const microBatch = opened.fixedBatch ?? 1;
  const stored = (path: string) =>
    selectPartOfBatches(readStored(path, { ...opened, ...request }), part, microBatch);
  if (source.kind === 'Tensorfile') return { ...noImages, batches: stored(source.path) };
  if (source.kind === 'Loader') return openTraining(opened, source, request);
  const drawn = await sampleImages(source.folder, request);
  const pixels = pixelsOf(opened);
  if (source.kind === 'Images')
    return readImages(selectImages(drawn, part, microBatch), request, { ...pixels, batchSize: rows });
  const { part: _, ...whole } = request; // the tensorfile contains every image, whichever part is counted
  const images = readImages(drawn, whole, { ...pixels, batchSize });
  const { writeTensorfile } = await import('../../formats/hdf5/tensorfile-writer.ts');
  await writeTensorfile(source.path, stopOnAbort(images.batches, request.signal));
  return { ...images, batches: stored(source.path) };
};

async function* readStored(
  ...asked: Parameters<typeof readTensorfileBatches>
): ReturnType<typeof readTensorfileBatches> {
  const reader = await import('../../formats/hdf5/tensorfile-reader.ts');
  yield* reader.readTensorfileBatches(...asked);
}

async function* stopOnAbort(batches: AsyncIterable<Batch>, signal?: AbortSignal): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    signal?.throwIfAborted();
    yield batch;
  }
}

const selectImages = (
  { chosen, heldOut }: ImageSample,
  part: SamplePart,
  microBatch: number,
): ImageSample => ({
  chosen: selectPart(chosen, part, microBatch),
  heldOut: selectPart(heldOut, part),
});

/**
 * Digest that identifies the data: of the file, or of names and sizes of images, which is cheap even for large folders.
 */
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

const openTrainingLoader = async (
  { plan, dataRoot }: LoaderSource,
  options: Omit<LoaderOptions, 'set' | 'dataRoot'>,
): Promise<Loader> => {
  const { openLoader } = await import('../../data/datasets/loader.ts');
  return openLoader(plan, { ...options, set: 'training', ...(dataRoot !== undefined && { dataRoot }) });
};

const noImages: Omit<OpenedSource, 'batches'> = {
  heldOut: () => [],
  consumed: () => 0,
  preprocessing: undefined,
};

/** Opens the training data loader. Calibration uses its own batch size, not the plan's. */
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
      `Calibrating from the training data of ${name}: its images are ${size.channels}×${size.height}×${size.width} (channels, height, width), and the model takes ${channels}×${height}×${width}. Use the spec that this model was trained with.`,
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

/** Each broken image, spare ones included, consumes one spare image. */
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
    heldOut: () => folderImages(drawn.heldOut.slice(broken), pixels),
    consumed: () => (broken === 0 ? 0 : (broken - 1) * part.of + part.part),
    preprocessing: pixels.preprocessing,
  };
};

/** Size and preprocessing of a folder's images for this model. */
export const pixelsOf = ({ channels, height, width, preprocessing }: OpenedModel): FolderPixels => ({
  size: { channels, height, width },
  preprocessing,
});
