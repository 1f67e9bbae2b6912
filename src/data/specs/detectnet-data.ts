/** Data set and augmentation blocks of detectnet_v2, also used by faster_rcnn, and by the SSD family in TLT 2.0. */
import type { TfrecordSource, Tfrecords } from '../datasets/plan.ts';
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Geometry } from '../preprocessing/geometry.ts';
import type { Notes } from './notes.ts';
import { channelsOf, checkPixels, requireField, requireNumber, requireText } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { augmentationConfig, datasetConfig, preprocessing } from './schemas/detectnet.ts';

type Dataset = MessageValue<typeof datasetConfig>;
type Source = NonNullable<Dataset['validation_data_source']>;
type Augmentation = MessageValue<typeof augmentationConfig>;
type Preprocessing = MessageValue<typeof preprocessing>;

/** The record sources of `dataset_config`; undefined if something is missing, which is recorded in `notes`. */
export const readTfrecords = (dataset: Dataset, notes: Notes): Tfrecords | undefined => {
  const imageExtension = extensionOf(dataset, notes);
  const given = dataset.data_sources ?? [];
  if (given.length === 0)
    notes.add(dataset, 'data_sources', { what: 'required field is missing: the spec has no training data' });
  const weights = weightsOf(dataset, notes);
  const sources = given.map((source, index) => sourceOf(source, notes, weights(source, index)));
  const own = dataset.validation_data_source && sourceOf(dataset.validation_data_source, notes, undefined);
  const whole = sources.filter((source) => source !== undefined);
  if (imageExtension === undefined || whole.length < Math.max(1, given.length)) return undefined;
  return { kind: 'tfrecords', sources: whole, imageExtension, ...validationOf(dataset, own) };
};

/** Fold 0 is valid, so this tests whether the field is set. */
const validationOf = (
  { validation_fold: fold }: Dataset,
  own: TfrecordSource | undefined,
): Pick<Tfrecords, 'validation'> => {
  if (own) return { validation: { source: own } };
  return fold === undefined ? {} : { validation: { fold } };
};

const extensionOf = (dataset: Dataset, notes: Notes): string | undefined => {
  const extension = requireText(dataset, 'image_extension', notes);
  if (extension === undefined || /^\.?(png|jpe?g)$/i.test(extension)) return extension;
  notes.add(dataset, 'image_extension', {
    what: `it is "${extension.slice(0, 40)}", and must be png, jpg or jpeg`,
  });
  return undefined;
};

const sourceOf = (source: Source, notes: Notes, weight: number | undefined): TfrecordSource | undefined => {
  const records = requireText(source, 'tfrecords_path', notes);
  const imageFolder = requireText(source, 'image_directory_path', notes);
  if (!records || !imageFolder) return undefined;
  return { records, imageFolder, ...(weight !== undefined && { weight }) };
};

/**
 * UNIFORM: equal weights. PROPORTIONAL: by number of images. USER_DEFINED: `source_weight`, or by number of images if none
 * is set.
 */
const weightsOf = (
  dataset: Dataset,
  notes: Notes,
): ((source: Source, index: number) => number | undefined) => {
  if (dataset.sampling_mode === 'UNIFORM') return () => 1;
  if (dataset.sampling_mode === 'PROPORTIONAL') return () => undefined;
  return readWeights(dataset.data_sources ?? [], notes);
};

/** Weights as set in the spec. Either all sources have one or none: a weight cannot be compared with a number of images. */
export const readWeights = <S extends { readonly source_weight?: number | undefined }>(
  sources: readonly S[],
  notes: Notes,
): ((source: S) => number | undefined) => {
  const isSet = ({ source_weight: weight }: S): boolean => weight !== undefined && weight !== 0;
  if (!sources.some(isSet)) return () => undefined;
  for (const source of sources)
    if (!isSet(source))
      notes.add(source, 'source_weight', {
        what: 'other sources have a weight: set it for all sources, or for none',
      });
    else if (!(source.source_weight! > 0 && Number.isFinite(source.source_weight)))
      notes.add(source, 'source_weight', {
        what: `it is ${source.source_weight}, and must be greater than 0`,
      });
  return ({ source_weight: weight }) => weight;
};

/** Input size, and how pictures are brought to it. */
export type PictureSettings = { readonly size: ImageSize; readonly geometry: Geometry };

/** Reads the `preprocessing` block. `multipleOf`: the stride of the network, which must divide height and width. */
export const readPictureSettings = (
  augmentation: Augmentation,
  { notes, multipleOf }: { readonly notes: Notes; readonly multipleOf: number },
): PictureSettings | undefined => {
  const given = requireField(augmentation, 'preprocessing', notes);
  if (!given) return undefined;
  const bounds = { notes, min: multipleOf, multipleOf, max: 16384 };
  const width = requireNumber(given, 'output_image_width', bounds);
  const height = requireNumber(given, 'output_image_height', bounds);
  const channels = channelsOf(given, 'output_image_channel', notes);
  checkUnsupported(given, notes);
  const fits = width && height && checkPixels(given, 'output_image_height', { width, height, notes });
  const size = fits && channels ? { width, height, channels } : undefined;
  const geometry = size && geometryOf(given, size, notes);
  return geometry && { size, geometry };
};

/** Rejects resize options other than `enable_auto_resize`: our loaders keep the scale or resize to the output size. */
const checkUnsupported = (given: Preprocessing, notes: Notes): void => {
  for (const field of ['output_image_min', 'output_image_max', 'scale_width', 'scale_height'] as const)
    if (given[field])
      notes.add(given, field, {
        what: 'this resize option is not supported: set it to 0, and resize the images in advance or set enable_auto_resize',
      });
};

const geometryOf = (given: Preprocessing, size: ImageSize, notes: Notes): Geometry | undefined => {
  const { crop_left: left = 0, crop_top: top = 0, crop_right: right = 0, crop_bottom: bottom = 0 } = given;
  const crops = left !== 0 || top !== 0 || right !== 0 || bottom !== 0;
  const whole = left === 0 && top === 0 && right === size.width && bottom === size.height;
  if (given.enable_auto_resize && (!crops || whole)) return { kind: 'autoResize' };
  if (given.enable_auto_resize)
    notes.add(given, 'enable_auto_resize', {
      what: 'it cannot be combined with crop_*: remove one of them',
    });
  else if (!crops || (right - left === size.width && bottom - top === size.height))
    return { kind: 'padCrop', left, top };
  else if (right <= left || bottom <= top)
    notes.add(given, right <= left ? 'crop_right' : 'crop_bottom', { what: 'the crop rectangle is empty' });
  else
    notes.add(given, 'crop_right', {
      what: `the crop rectangle has ${right - left} × ${bottom - top} pixels, and the output ${size.width} × ${size.height}: they must be equal, because the loader does not resize`,
    });
  return undefined;
};
