/**
 * Loader settings of ssd, dssd, retinanet and yolo. TLT 2.0 uses the loader of detectnet_v2 (a `preprocessing` block and
 * TFRecords); TLT 3.0 and later have their own (KITTI folders, or records that contain the images).
 */
import { join } from 'node:path';
import type { KittiFolders, KittiSource, LoaderPlan, TfrecordSource, Tfrecords } from '../datasets/plan.ts';
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Geometry } from '../preprocessing/geometry.ts';
import type { Preprocessing } from '../preprocessing/normalise.ts';
import { caffeMeans, caffeValues, fasterRcnnValues } from '../preprocessing/values.ts';
import { readPictureSettings, readTfrecords, readWeights } from './detectnet-data.ts';
import type { Notes } from './notes.ts';
import {
  batchSizeOf,
  channelsOf,
  checkPixels,
  meanKeys,
  meansOf,
  requireField,
  requireNumber,
  requireText,
} from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { trainingConfig } from './schemas/common.ts';
import type { dataset as datasetSchema, ssdAugmentation, yoloAugmentation } from './schemas/detection.ts';

type Dataset = MessageValue<typeof datasetSchema>;
type Source = NonNullable<Dataset['data_sources']>[number];
type Augmentation = MessageValue<typeof ssdAugmentation> | MessageValue<typeof yoloAugmentation>;

/** The blocks of a detector's spec that configure its loader. */
export type DetectionSpec = {
  readonly dataset_config?: Dataset | undefined;
  readonly augmentation_config?: Augmentation | undefined;
  readonly training_config?: MessageValue<typeof trainingConfig> | undefined;
};

/** Geometry of a module's own loader, and its constraints on the input size. */
export type DetectionLoader = {
  readonly geometry: Geometry;
  /** Minimum height and width in pixels. */
  readonly minSide: number;
  readonly multipleOf: number;
};

/** Whether the spec uses the field names of TLT 2.0. */
export const isOfTlt2 = ({ augmentation_config, dataset_config: dataset }: DetectionSpec): boolean =>
  augmentation_config?.preprocessing !== undefined || dataset?.validation_data_source !== undefined;

/** Preprocessing for `--cal_image_dir` if the spec sets `image_mean`; otherwise undefined. */
export const imagePreprocessingOf = (
  { augmentation_config: augmentation }: DetectionSpec,
  notes: Notes,
): Preprocessing | undefined => {
  const mean = augmentation && imageMean(augmentation, channelsGiven(augmentation), notes);
  return mean && { order: mean.length === 3 ? 'BGR' : 'RGB', mean, scale: 1 };
};

/** Height and width of the network input in pixels; undefined if the spec lacks one of them. */
export const sidesOf = ({ augmentation_config: augmentation }: DetectionSpec) => {
  const width = augmentation?.preprocessing?.output_image_width || augmentation?.output_width;
  const height = augmentation?.preprocessing?.output_image_height || augmentation?.output_height;
  return width && height ? { height, width } : undefined;
};

const channelsGiven = (augmentation: Augmentation): 1 | 3 =>
  (augmentation.preprocessing?.output_image_channel ?? augmentation.output_channel) === 1 ? 1 : 3;

const imageMean = (
  augmentation: Augmentation,
  channels: 1 | 3,
  notes: Notes,
): readonly number[] | undefined => meansOf(augmentation, 'image_mean', { keys: meanKeys[channels], notes });

/** The loader settings of a detector; undefined if the spec lacks something, which is recorded in `notes`. */
export const planDetection = (
  spec: DetectionSpec,
  loader: DetectionLoader,
  notes: Notes,
): LoaderPlan | undefined => {
  const dataset = requireField(spec, 'dataset_config', notes);
  const augmentation = requireField(spec, 'augmentation_config', notes);
  const batchSize = batchSizeOf(requireField(spec, 'training_config', notes), notes);
  const old = isOfTlt2(spec);
  const data = dataset && (old ? readTfrecords(dataset, notes) : readSources(dataset, notes));
  const picture =
    augmentation &&
    (old
      ? readPictureSettings(augmentation, { notes, multipleOf: 1 })
      : readPicture(augmentation, loader, notes));
  if (!data || !picture || !batchSize) return undefined;
  const { channels } = picture.size;
  const mean = imageMean(augmentation, channels, notes) ?? caffeMeans[channels];
  const order = channels === 3 ? 'BGR' : 'RGB';
  const values = old ? fasterRcnnValues({ order, mean, scaling: 1 }) : caffeValues(channels, mean);
  return { ...data, ...picture, batchSize, values };
};

const readPicture = (
  augmentation: Augmentation,
  { geometry, minSide, multipleOf }: DetectionLoader,
  notes: Notes,
): { readonly size: ImageSize; readonly geometry: Geometry } | undefined => {
  const bounds = { notes, min: minSide, multipleOf, max: 16384 };
  const width = requireNumber(augmentation, 'output_width', bounds);
  const height = requireNumber(augmentation, 'output_height', bounds);
  const channels = channelsOf(augmentation, 'output_channel', notes);
  const fits = width && height && checkPixels(augmentation, 'output_height', { width, height, notes });
  return fits && channels ? { size: { width, height, channels }, geometry } : undefined;
};

const readSources = (dataset: Dataset, notes: Notes): KittiFolders | Tfrecords | undefined => {
  const sources = dataset.data_sources ?? [];
  if (sources.length === 0) {
    notes.add(dataset, 'data_sources', { what: 'required field is missing: the spec has no training data' });
    return undefined;
  }
  const records = sources.filter(({ tfrecords_path: path }) => path);
  if (records.length === 0) return readKittiFolders(dataset, notes);
  if (records.length === sources.length) return readRecordSources(dataset, notes);
  notes.add(dataset, 'data_sources', {
    what: 'some sources have tfrecords_path and some label_directory_path: use the same field in all of them',
  });
  return undefined;
};

const readKittiFolders = (dataset: Dataset, notes: Notes): KittiFolders | undefined => {
  const read = (sources: readonly Source[]): readonly KittiSource[] | undefined => {
    const weightOf = readWeights(sources, notes);
    const found = sources.map((source) => kittiSource(source, weightOf(source), notes));
    const whole = found.filter((source) => source !== undefined);
    return whole.length === found.length ? whole : undefined;
  };
  const training = read(dataset.data_sources ?? []);
  const validation = read(dataset.validation_data_sources ?? []);
  return training && validation && { kind: 'kittiFolders', training, validation };
};

const kittiSource = (source: Source, weight: number | undefined, notes: Notes): KittiSource | undefined => {
  const images = requireText(source, 'image_directory_path', notes);
  const labels = requireText(source, 'label_directory_path', notes);
  if (!images || !labels) return undefined;
  const below = (path: string): string => (source.root_path ? join(source.root_path, path) : path);
  return { imageFolder: below(images), labelFolder: below(labels), ...(weight !== undefined && { weight }) };
};

/** Records may contain the images; records that refer to files need a folder and an extension. */
const readRecordSources = (dataset: Dataset, notes: Notes): Tfrecords | undefined => {
  const given = dataset.data_sources ?? [];
  const weightOf = readWeights(given, notes);
  const sources = given.map((source) => recordSource(source, weightOf(source)));
  const { validation_fold: fold, validation_data_sources: own = [], image_extension: extension } = dataset;
  if (own.length > 1)
    notes.add(dataset, 'validation_data_sources', {
      what: 'only one TFRecord source is allowed for validation: combine them with a glob pattern',
    });
  if (sources.some(({ imageFolder }) => imageFolder !== undefined))
    requireText(dataset, 'image_extension', notes);
  const validation = own[0]?.tfrecords_path ? { source: recordSource(own[0], undefined) } : undefined;
  return {
    kind: 'tfrecords',
    sources,
    imageExtension: extension || 'png',
    ...(validation ? { validation } : fold !== undefined && { validation: { fold } }),
  };
};

const recordSource = (source: Source, weight: number | undefined): TfrecordSource => {
  const below = (path: string): string => (source.root_path ? join(source.root_path, path) : path);
  const { tfrecords_path: records = '', image_directory_path: folder } = source;
  return {
    records: below(records),
    ...(folder && { imageFolder: below(folder) }),
    ...(weight !== undefined && { weight }),
  };
};
