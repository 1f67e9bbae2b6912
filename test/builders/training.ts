/** The files of a training: the spec of a module, its photos, and the split into training and validation. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import type { Architecture } from '../../src/ground/contract/architectures.ts';
import { exampleBytes, tfrecordBytes } from '../formats/tfrecord-bytes.ts';
import { photosFolder } from '../photos/photos.ts';
import { aFolder } from './tool.ts';

/** How a spec names its data: class folders, TFRecords, or folders with KITTI labels. */
type Data = 'classes' | 'records' | 'kitti';

const dataOf: Readonly<Record<Architecture, Data>> = {
  classification: 'classes',
  detectnet_v2: 'records',
  faster_rcnn: 'records',
  ssd: 'kitti',
  dssd: 'kitti',
  retinanet: 'kitti',
  yolo: 'kitti',
};

/** Numbers of photos of each part, and the batch size in the spec. */
export type Amounts = {
  readonly training: number;
  readonly validation: number;
  readonly batchSize: number;
};

export const counts = { training: 24, validation: 8, batchSize: 4 } as const satisfies Amounts;

/** Paths below `root`; an empty root gives relative paths. */
const datasets: Readonly<Record<Data, (root: string) => string>> = {
  classes: (root) => `train_dataset_path: "${root}train" val_dataset_path: "${root}val"`,
  records: (root) => `dataset_config {
    data_sources { tfrecords_path: "${root}records/set-*" image_directory_path: "${root}kitti" }
    image_extension: "jpg" ${mapping} validation_fold: 0 }`,
  kitti: (root) => `dataset_config {
    data_sources { image_directory_path: "${root}train/images" label_directory_path: "${root}train/labels" }
    validation_data_sources { image_directory_path: "${root}val/images" label_directory_path: "${root}val/labels" }
    ${mapping} }`,
};

const mapping = `target_class_mapping { key: "brick" value: "brick" } target_class_mapping { key: "coin" value: "coin" }`;

const detector = (network: string) => (data: string, batchSize: number) =>
  `${network} ${data}
  augmentation_config { output_width: 192 output_height: 160 output_channel: 3 }
  training_config { batch_size_per_gpu: ${batchSize} }
  nms_config { confidence_threshold: 0.3 clustering_iou_threshold: 0.5 top_k: 100 }`;

const picture = (width: number, height: number): string =>
  `preprocessing { output_image_width: ${width} output_image_height: ${height} output_image_channel: 3 }`;

/** Specs of the models in test/models, with their sizes, classes and anchors. */
const specs: Readonly<Record<Architecture, (data: string, batchSize: number) => string>> = {
  classification: (data, batchSize) => `model_config { arch: "mobilenet_v2" input_image_size: "3,48,192" }
  train_config { ${data} batch_size_per_gpu: ${batchSize} n_epochs: 1 optimizer { sgd { lr: 0.01 } } }`,
  detectnet_v2: (data, batchSize) => `${data}
  augmentation_config { ${picture(256, 160)} }
  training_config { batch_size_per_gpu: ${batchSize} }
  cost_function_config { target_classes { name: "coin" class_weight: 1.0 } }`,
  faster_rcnn: (data, batchSize) => `${data}
  augmentation_config { ${picture(192, 160)} }
  model_config {
    input_image_config {
      image_type: RGB
      image_channel_order: "bgr"
      size_height_width { height: 160 width: 192 }
      image_channel_mean { key: "b" value: 103.939 }
      image_channel_mean { key: "g" value: 116.779 }
      image_channel_mean { key: "r" value: 123.68 }
      image_scaling_factor: 1.0
      max_objects_num_per_image: 100
    }
    arch: "resnet:10"
    anchor_box_config { scale: 32.0 scale: 56.0 ratio: 1.0 ratio: 0.5 ratio: 2.0 }
    rpn_stride: 16
    roi_pooling_config { pool_size: 7 }
  }
  training_config { batch_size_per_gpu: ${batchSize} }`,
  ssd: detector('ssd_config { aspect_ratios_global: "[1.0, 2.0, 0.5]" arch: "resnet" nlayers: 10 }'),
  dssd: detector('dssd_config { aspect_ratios_global: "[1.0, 2.0, 0.5]" arch: "resnet" nlayers: 10 }'),
  retinanet: detector(
    'retinanet_config { aspect_ratios_global: "[1.0, 2.0, 0.5]" arch: "resnet" nlayers: 10 }',
  ),
  yolo: detector('yolov3_config { big_anchor_shape: "[(66, 66)]" arch: "resnet" nlayers: 10 }'),
};

/** A module's spec, whose data is below `root` (with a trailing slash). */
export const specOf = (module: Architecture, root = '', { batchSize }: Amounts = counts): string =>
  `${specs[module](datasets[dataOf[module]](root), batchSize)}\n`;

/** A folder with `spec.txt` and its data. Paths of the spec are relative unless `root` is given. */
export const aTraining = async (
  module: Architecture,
  root = '',
  amounts: Amounts = counts,
): Promise<string> => {
  const folder = aFolder();
  const photos = await photosFolder();
  const names = readdirSync(photos)
    .sort()
    .slice(0, amounts.training + amounts.validation);
  const parts = { train: names.slice(0, amounts.training), val: names.slice(amounts.training) };
  puts[dataOf[module]](parts, {
    link: (name, ...path) => symlinkSync(join(photos, name), join(made(folder, ...path), name)),
    write: (content, name, ...path) => writeFileSync(join(made(folder, ...path), name), content),
  });
  writeFileSync(join(folder, 'spec.txt'), specOf(module, root, amounts));
  return folder;
};

const made = (...path: string[]): string => {
  const folder = join(...path);
  mkdirSync(folder, { recursive: true });
  return folder;
};

type Parts = { readonly train: readonly string[]; readonly val: readonly string[] };
type Disk = {
  readonly link: (photo: string, ...path: string[]) => void;
  readonly write: (content: string | Uint8Array, name: string, ...path: string[]) => void;
};

const puts: Readonly<Record<Data, (parts: Parts, disk: Disk) => void>> = {
  classes: (parts, { link }) => {
    for (const [part, names] of Object.entries(parts))
      for (const [index, name] of names.entries()) link(name, part, index % 2 === 0 ? 'a' : 'b');
  },
  kitti: (parts, { link, write }) => {
    for (const [part, names] of Object.entries(parts))
      for (const name of names) {
        link(name, part, 'images');
        write('', `${parse(name).name}.txt`, part, 'labels');
      }
  },
  /** Fold 0 is the validation set. */
  records: ({ train, val }, { link, write }) => {
    for (const [fold, names] of [val, train].entries()) {
      for (const name of names) link(name, 'kitti', 'images');
      const records = names.map((name) => exampleBytes({ 'frame/id': `images/${parse(name).name}` }));
      write(tfrecordBytes(records), `set-fold-00${fold}-of-002`, 'records');
    }
  },
};
