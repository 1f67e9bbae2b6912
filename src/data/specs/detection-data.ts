/**
 * Data set, picture and values of ssd, dssd, retinanet and yolo, in both families. TLT 2.0 has detectnet_v2's loader
 * (a `preprocessing` block, TFRecords), 3.0 and later their own (KITTI folders, or records that hold the pictures).
 */
import { join } from 'node:path';
import type { KittiFolders, KittiSource, LoaderPlan, TfrecordSource, Tfrecords } from '../datasets/plan.ts';
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Geometry } from '../preprocessing/geometry.ts';
import type { Preprocessing } from '../preprocessing/normalise.ts';
import { caffeMeans, caffeValues, fasterRcnnValues } from '../preprocessing/values.ts';
import { pictureOf, tfrecordsOf, weightAsSet } from './detectnet-data.ts';
import type { Notes } from './notes.ts';
import {
  batchSizeOf,
  channelsOf,
  isBounded,
  meanKeys,
  meansOf,
  need,
  needNumber,
  needText,
} from './rules.ts';
import type { ValueOf } from './schema.ts';
import type { trainingConfig } from './schemas/common.ts';
import type { dataset as datasetSchema, ssdAugmentation, yoloAugmentation } from './schemas/detection.ts';

type Dataset = ValueOf<typeof datasetSchema>;
type Source = NonNullable<Dataset['data_sources']>[number];
type Augmentation = ValueOf<typeof ssdAugmentation> | ValueOf<typeof yoloAugmentation>;

export type DetectionSpec = {
  readonly dataset_config?: Dataset | undefined;
  readonly augmentation_config?: Augmentation | undefined;
  readonly training_config?: ValueOf<typeof trainingConfig> | undefined;
};

/** How a module's own loader works. */
export type DetectionLoader = {
  readonly geometry: Geometry;
  /** Of the sides. */
  readonly least: number;
  readonly multipleOf: number;
};

export const isOfTlt2 = ({ augmentation_config, dataset_config: dataset }: DetectionSpec): boolean =>
  augmentation_config?.preprocessing !== undefined || dataset?.validation_data_source !== undefined;

/** Only what the spec changes: its own means. */
export const imagePreprocessingOf = (
  { augmentation_config: augmentation }: DetectionSpec,
  notes: Notes,
): Preprocessing | undefined => {
  const mean = augmentation && imageMean(augmentation, channelsGiven(augmentation), notes);
  return mean && { order: mean.length === 3 ? 'BGR' : 'RGB', mean, scale: 1 };
};

/** Of the network's input in pixels; undefined if the spec does not tell both. */
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

export const detectionPlan = (
  spec: DetectionSpec,
  loader: DetectionLoader,
  notes: Notes,
): LoaderPlan | undefined => {
  const dataset = need(spec, 'dataset_config', notes);
  const augmentation = need(spec, 'augmentation_config', notes);
  const batchSize = batchSizeOf(need(spec, 'training_config', notes), notes);
  const old = isOfTlt2(spec);
  const data = dataset && (old ? tfrecordsOf(dataset, notes) : dataOf(dataset, notes));
  const picture =
    augmentation &&
    (old ? pictureOf(augmentation, { notes, multipleOf: 1 }) : ownPicture(augmentation, loader, notes));
  if (!data || !picture || !batchSize) return undefined;
  const { channels } = picture.size;
  const mean = imageMean(augmentation, channels, notes) ?? caffeMeans[channels];
  const order = channels === 3 ? 'BGR' : 'RGB';
  const values = old ? fasterRcnnValues({ order, mean, scaling: 1 }) : caffeValues(channels, mean);
  return { ...data, ...picture, batchSize, values };
};

const ownPicture = (
  augmentation: Augmentation,
  { geometry, least, multipleOf }: DetectionLoader,
  notes: Notes,
): { readonly size: ImageSize; readonly geometry: Geometry } | undefined => {
  const bounds = { notes, least, multipleOf, most: 16384 };
  const width = needNumber(augmentation, 'output_width', bounds);
  const height = needNumber(augmentation, 'output_height', bounds);
  const channels = channelsOf(augmentation, 'output_channel', notes);
  const fits = width && height && isBounded(augmentation, 'output_height', { width, height, notes });
  return fits && channels ? { size: { width, height, channels }, geometry } : undefined;
};

const dataOf = (dataset: Dataset, notes: Notes): KittiFolders | Tfrecords | undefined => {
  const sources = dataset.data_sources ?? [];
  if (sources.length === 0) {
    notes.add(dataset, 'data_sources', { what: 'it is missing: there is nothing to train with' });
    return undefined;
  }
  const records = sources.filter(({ tfrecords_path: path }) => path);
  if (records.length === 0) return kittiOf(dataset, notes);
  if (records.length === sources.length) return recordsOf(dataset, notes);
  notes.add(dataset, 'data_sources', {
    what: 'some have tfrecords_path and some label_directory_path: use one of them for all',
  });
  return undefined;
};

const kittiOf = (dataset: Dataset, notes: Notes): KittiFolders | undefined => {
  const read = (sources: readonly Source[]): readonly KittiSource[] | undefined => {
    const weightOf = weightAsSet(sources, notes);
    const found = sources.map((source) => kittiSource(source, weightOf(source), notes));
    const whole = found.filter((source) => source !== undefined);
    return whole.length === found.length ? whole : undefined;
  };
  const training = read(dataset.data_sources ?? []);
  const validation = read(dataset.validation_data_sources ?? []);
  return training && validation && { kind: 'kittiFolders', training, validation };
};

const kittiSource = (source: Source, weight: number | undefined, notes: Notes): KittiSource | undefined => {
  const images = needText(source, 'image_directory_path', notes);
  const labels = needText(source, 'label_directory_path', notes);
  if (!images || !labels) return undefined;
  const below = (path: string): string => (source.root_path ? join(source.root_path, path) : path);
  return { imageFolder: below(images), labelFolder: below(labels), ...(weight !== undefined && { weight }) };
};

/** Records may hold the pictures themselves; those that name files need folder and ending. */
const recordsOf = (dataset: Dataset, notes: Notes): Tfrecords | undefined => {
  const given = dataset.data_sources ?? [];
  const weightOf = weightAsSet(given, notes);
  const sources = given.map((source) => recordSource(source, weightOf(source)));
  const { validation_fold: fold, validation_data_sources: own = [], image_extension: extension } = dataset;
  if (own.length > 1)
    notes.add(dataset, 'validation_data_sources', {
      what: 'of TFRecords one source can validate: join them by a glob pattern',
    });
  if (sources.some(({ imageFolder }) => imageFolder !== undefined))
    needText(dataset, 'image_extension', notes);
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
