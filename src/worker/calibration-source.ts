/** What an int8 export is calibrated from: the decision over the flags, and the batches that come of it. */
import { UserError } from '../base/errors.ts';
import type { Architecture } from '../contract/architectures.ts';
import { tensorfileBatches } from '../formats/tensorfile-reader.ts';
import { writeTensorfile } from '../formats/tensorfile-writer.ts';
import { type Batch, imageBatches } from '../preprocessing/batches.ts';
import { type ImageSample, sampleImages } from '../preprocessing/image-list.ts';
import { preprocessingOf } from '../preprocessing/normalise.ts';
import type { Allowance } from '../preprocessing/sound-images.ts';
import type { OpenedModel } from './open-model.ts';

export type CalibrationSource =
  | { readonly kind: 'Images'; readonly folder: string }
  | { readonly kind: 'Tensorfile'; readonly path: string }
  /** The images become a tensorfile, which is then calibrated from. */
  | { readonly kind: 'TensorfileOfImages'; readonly path: string; readonly folder: string };

export type SourceFlags = {
  readonly tensorfile: string | undefined;
  /** Whether something is at `tensorfile`. */
  readonly tensorfileExists: boolean;
  readonly imageFolder: string | undefined;
};

/**
 * Undefined if there is nothing to calibrate with: random data never stand in.
 * @throws UserError OutputExists where images would replace a tensorfile, InputNotFound
 */
export const calibrationSource = (flags: SourceFlags): CalibrationSource | undefined => {
  const { tensorfile: path, tensorfileExists, imageFolder: folder } = flags;
  if (path === undefined) return folder === undefined ? undefined : { kind: 'Images', folder };
  if (folder === undefined && tensorfileExists) return { kind: 'Tensorfile', path };
  if (folder === undefined)
    throw new UserError(
      'InputNotFound',
      `Calibrating from the tensorfile ${path}: it does not exist. Name one that does, or give --cal_image_dir, and it is made from those images.`,
    );
  if (!tensorfileExists) return { kind: 'TensorfileOfImages', path, folder };
  throw new UserError(
    'OutputExists',
    `Writing the tensorfile ${path} from the images in ${folder}: it exists already and was left as it is. Leave --cal_image_dir out to calibrate from it, or remove it, or choose another name.`,
  );
};

/** Where the data came from, as a report names it. */
export const nameOfSource = (source: CalibrationSource): string =>
  source.kind === 'Tensorfile' ? source.path : source.folder;

export type SourceRequest = {
  readonly source: CalibrationSource;
  readonly batches: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Images that go through the network at once. */
  readonly rows: number;
  /** Broken images that are put up with; none if undefined. */
  readonly allowance?: Allowance;
};

export type OpenedSource = {
  readonly batches: AsyncIterable<Batch>;
  /** Known when the batches have been used. Images of a tensorfile have no names: none of them is chosen or kept. */
  readonly sample: () => ImageSample;
};

/** Writes the tensorfile, if one is to be made. @throws as reader, writer, sampleImages and imageBatches */
export const openSource = async (
  opened: OpenedModel,
  architecture: Architecture,
  request: SourceRequest,
): Promise<OpenedSource> => {
  const { source, rows, batchSize } = request;
  const stored = (path: string) => tensorfileBatches(path, { ...opened, ...request });
  if (source.kind === 'Tensorfile')
    return { batches: stored(source.path), sample: () => ({ chosen: [], kept: [] }) };
  const drawn = await sampleImages(source.folder, request);
  const atOnce = source.kind === 'Images' ? rows : batchSize;
  const images = soundBatches(drawn, request, { ...pixelsOf(opened, architecture), batchSize: atOnce });
  if (source.kind === 'Images') return images;
  await writeTensorfile(source.path, images.batches);
  return { batches: stored(source.path), sample: images.sample };
};

/** Each broken image, spares included, spends one spare. */
const soundBatches = (
  drawn: ImageSample,
  { allowance }: SourceRequest,
  pixels: ReturnType<typeof pixelsOf> & { readonly batchSize: number },
): OpenedSource => {
  let broken = 0;
  const onBroken = (error: UserError): void => {
    broken++;
    allowance?.onBroken(error);
  };
  const share = allowance?.share ?? 0;
  const batches = imageBatches(drawn.chosen, {
    ...pixels,
    spares: drawn.kept,
    allowance: { share, onBroken },
  });
  const chosen: string[] = [];
  return { batches: noted(batches, chosen), sample: () => ({ chosen, kept: drawn.kept.slice(broken) }) };
};

/** The same batches; the images that they hold are added to a list. */
async function* noted(batches: AsyncIterable<Batch>, paths: string[]): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    paths.push(...batch.paths);
    yield batch;
  }
}

/** Size and preprocessing of what this model is fed. */
export const pixelsOf = ({ channels, height, width }: OpenedModel, architecture: Architecture) => ({
  size: { channels, height, width },
  preprocessing: preprocessingOf(architecture, channels),
});
