/** The data set and augmentation of detectnet_v2, which faster_rcnn has too, and the SSD family in TLT 2.0. */
import type { TfrecordSource, Tfrecords } from '../datasets/plan.ts';
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Geometry } from '../preprocessing/geometry.ts';
import type { Notes } from './notes.ts';
import { channelsOf, isBounded, need, needNumber, needText } from './rules.ts';
import type { ValueOf } from './schema.ts';
import type { augmentationConfig, datasetConfig, preprocessing } from './schemas/detectnet.ts';

type Dataset = ValueOf<typeof datasetConfig>;
type Source = NonNullable<Dataset['validation_data_source']>;
type Augmentation = ValueOf<typeof augmentationConfig>;
type Preprocessing = ValueOf<typeof preprocessing>;

export const tfrecordsOf = (dataset: Dataset, notes: Notes): Tfrecords | undefined => {
  const imageExtension = extensionOf(dataset, notes);
  const given = dataset.data_sources ?? [];
  if (given.length === 0)
    notes.add(dataset, 'data_sources', { what: 'it is missing: there is nothing to train with' });
  const weights = weightsOf(dataset, notes);
  const sources = given.map((source, index) => sourceOf(source, notes, weights(source, index)));
  const own = dataset.validation_data_source && sourceOf(dataset.validation_data_source, notes, undefined);
  const whole = sources.filter((source) => source !== undefined);
  if (imageExtension === undefined || whole.length < Math.max(1, given.length)) return undefined;
  return { kind: 'tfrecords', sources: whole, imageExtension, ...validationOf(dataset, own) };
};

/** A fold of 0 is a fold: what counts is that the field is set. */
const validationOf = (
  { validation_fold: fold }: Dataset,
  own: TfrecordSource | undefined,
): Pick<Tfrecords, 'validation'> => {
  if (own) return { validation: { source: own } };
  return fold === undefined ? {} : { validation: { fold } };
};

const extensionOf = (dataset: Dataset, notes: Notes): string | undefined => {
  const extension = needText(dataset, 'image_extension', notes);
  if (extension === undefined || /^\.?(png|jpe?g)$/i.test(extension)) return extension;
  notes.add(dataset, 'image_extension', {
    what: `it is "${extension.slice(0, 40)}", and must be png, jpg or jpeg`,
  });
  return undefined;
};

const sourceOf = (source: Source, notes: Notes, weight: number | undefined): TfrecordSource | undefined => {
  const records = needText(source, 'tfrecords_path', notes);
  const imageFolder = needText(source, 'image_directory_path', notes);
  if (!records || !imageFolder) return undefined;
  return { records, imageFolder, ...(weight !== undefined && { weight }) };
};

/** UNIFORM: all alike. PROPORTIONAL: by their size. USER_DEFINED: as set, or by their size if none is. */
const weightsOf = (
  dataset: Dataset,
  notes: Notes,
): ((source: Source, index: number) => number | undefined) => {
  if (dataset.sampling_mode === 'UNIFORM') return () => 1;
  if (dataset.sampling_mode === 'PROPORTIONAL') return () => undefined;
  return weightAsSet(dataset.data_sources ?? [], notes);
};

/** Weights and numbers of images cannot be compared: all sources have a weight, or none. */
export const weightAsSet = <S extends { readonly source_weight?: number | undefined }>(
  sources: readonly S[],
  notes: Notes,
): ((source: S) => number | undefined) => {
  const isSet = ({ source_weight: weight }: S): boolean => weight !== undefined && weight !== 0;
  if (!sources.some(isSet)) return () => undefined;
  for (const source of sources)
    if (!isSet(source))
      notes.add(source, 'source_weight', {
        what: 'other sources have one: give it to all of them, or to none',
      });
    else if (!(source.source_weight! > 0 && Number.isFinite(source.source_weight)))
      notes.add(source, 'source_weight', { what: `it is ${source.source_weight}, and must be above 0` });
  return ({ source_weight: weight }) => weight;
};

export type Picture = { readonly size: ImageSize; readonly geometry: Geometry };

/** `multipleOf`: what the network's stride asks of the sides. */
export const pictureOf = (
  augmentation: Augmentation,
  { notes, multipleOf }: { readonly notes: Notes; readonly multipleOf: number },
): Picture | undefined => {
  const given = need(augmentation, 'preprocessing', notes);
  if (!given) return undefined;
  const bounds = { notes, least: multipleOf, multipleOf, most: 16384 };
  const width = needNumber(given, 'output_image_width', bounds);
  const height = needNumber(given, 'output_image_height', bounds);
  const channels = channelsOf(given, 'output_image_channel', notes);
  refuseUnsupported(given, notes);
  const fits = width && height && isBounded(given, 'output_image_height', { width, height, notes });
  const size = fits && channels ? { width, height, channels } : undefined;
  const geometry = size && geometryOf(given, size, notes);
  return geometry && { size, geometry };
};

/** The loaders of this project keep a picture's scale, or bring it to the output size at once. */
const refuseUnsupported = (given: Preprocessing, notes: Notes): void => {
  for (const field of ['output_image_min', 'output_image_max', 'scale_width', 'scale_height'] as const)
    if (given[field])
      notes.add(given, field, {
        what: 'resizing by it is not supported: set it to 0, and scale the images beforehand or set enable_auto_resize',
      });
};

const geometryOf = (given: Preprocessing, size: ImageSize, notes: Notes): Geometry | undefined => {
  const { crop_left: left = 0, crop_top: top = 0, crop_right: right = 0, crop_bottom: bottom = 0 } = given;
  const crops = left !== 0 || top !== 0 || right !== 0 || bottom !== 0;
  const whole = left === 0 && top === 0 && right === size.width && bottom === size.height;
  if (given.enable_auto_resize && (!crops || whole)) return { kind: 'autoResize' };
  if (given.enable_auto_resize)
    notes.add(given, 'enable_auto_resize', {
      what: 'it does not go together with crop_*: leave one of them out',
    });
  else if (!crops || (right - left === size.width && bottom - top === size.height))
    return { kind: 'padCrop', left, top };
  else if (right <= left || bottom <= top)
    notes.add(given, right <= left ? 'crop_right' : 'crop_bottom', { what: 'the crop rectangle is empty' });
  else
    notes.add(given, 'crop_right', {
      what: `the crop rectangle has ${right - left} × ${bottom - top} pixels, and the output ${size.width} × ${size.height}: they must be the same, since the loader does not scale`,
    });
  return undefined;
};
