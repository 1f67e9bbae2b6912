/** All bombs as command lines: hostile inputs that users can put into a claim, and the tool or container that reads them. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeKeras } from '../keras/fixtures.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';
import * as hdf5 from './hdf5.ts';
import { inflatingHistograms, manyParts } from './histograms.ts';
import { deepConfig, nestedCalls } from './keras.ts';
import { loopWithoutEnd, shapeFromImage, statedBombs } from './onnx.ts';
import { png } from './png.ts';

export type Bomb = {
  readonly name: string;
  /** The entry in `src`, and its arguments. */
  readonly args: readonly string[];
  /** Set if it does not end without a signal. */
  readonly isEndless?: boolean;
};

const entry = (name: string): string => join(import.meta.dirname, '..', '..', 'src', `${name}.ts`);

type Place = {
  readonly folder: string;
  readonly photos: string;
  readonly sound: string;
  /** Number of batches of one image. Default: 1. */
  readonly batches?: number;
};

const inFile = ({ folder }: Place, name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name.replace(/\W+/g, '-'));
  writeFileSync(path, bytes);
  return path;
};

const exportArgs = (
  { folder, photos, batches = 1 }: Place,
  model: string,
  ...changes: readonly string[]
): readonly string[] => [
  ...[
    entry('tlt-export'),
    'classification',
    '-m',
    model,
    '-k',
    'k',
    '-o',
    join(folder, `${randomUUID()}.etlt`),
  ],
  ...[
    '--data_type',
    'int8',
    '--batches',
    `${batches}`,
    '--batch_size',
    '1',
    '--cal_cache_file',
    join(folder, `${randomUUID()}.bin`),
  ],
  ...(changes.length > 0 ? changes : ['--cal_image_dir', photos]),
];

const inspectArgs = (path: string): readonly string[] => [entry('tlt-model'), 'inspect', path];
const convertArgs = (path: string): readonly string[] => [
  entry('tlt-model'),
  'convert',
  path,
  '-o',
  `${path}.onnx`,
];

const onnxBombs = (place: Place): Bomb[] => [
  ...Object.entries(statedBombs).map(([name, make]) => ({
    name: `ONNX: ${name}`,
    args: exportArgs(place, inFile(place, `${name}.onnx`, make())),
  })),
  {
    name: 'ONNX: shape computed from the image',
    args: exportArgs(place, inFile(place, 'shape.onnx', shapeFromImage())),
  },
  {
    name: 'ONNX: loop without end',
    args: exportArgs(place, inFile(place, 'loop.onnx', loopWithoutEnd())),
    isEndless: true,
  },
];

const hdf5Bombs = async (place: Place): Promise<Bomb[]> => {
  const at = (name: string): string => join(place.folder, name);
  const chunk = await hdf5.inflatingChunk(at('chunk.tensor'));
  return [
    { name: 'tensorfile: group in itself', args: inspectArgs(await hdf5.groupInItself(at('self.tensor'))) },
    { name: 'tensorfile: 2^40 paths', args: inspectArgs(await hdf5.manyPaths(at('paths.tensor'))) },
    { name: 'tensorfile: chunk of 1 GiB', args: exportArgs(place, place.sound, '--cal_data_file', chunk) },
    { name: 'Keras: array of 4 GiB', args: convertArgs(await hdf5.denseWithoutData(at('dense.hdf5'))) },
    {
      name: 'Keras: array of 1 PiB',
      args: convertArgs(await hdf5.denseWithoutData(at('vast.hdf5'), 2 ** 24)),
    },
    { name: 'Keras: 12^8 calls', args: convertArgs(await writeKeras({ network: nestedCalls() })) },
    { name: 'Keras: 2,000,000 brackets', args: convertArgs(await writeKeras({ network: deepConfig() })) },
  ];
};

/** An SVG with ten levels of ten uses each. */
const laughs = (): string => {
  const levels = Array.from(
    { length: 10 },
    (_, level) => `<g id="l${level + 1}">${`<use href="#l${level}"/>`.repeat(10)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><defs><rect id="l0" width="1" height="1"/>${levels.join('')}</defs><use href="#l10"/></svg>`;
};

/** A folder whose `train/a` has a pipe, or the same file eight times. */
const imageFolder = ({ folder }: Place, name: string, bytes: Uint8Array | string | undefined): string => {
  const images = join(folder, name, 'train', 'a');
  mkdirSync(images, { recursive: true });
  if (bytes === undefined) execFileSync('mkfifo', [join(images, '0.png')]);
  else for (let copy = 0; copy < 8; copy++) writeFileSync(join(images, `${copy}.png`), bytes);
  return images;
};

const pictureBombs = (place: Place): Bomb[] => {
  const of = (images: string): readonly string[] =>
    exportArgs({ ...place, batches: 8 }, place.sound, '--cal_image_dir', images);
  const [large, deep] = [
    imageFolder(place, 'large', png({ width: 10_000, height: 9_999 })),
    imageFolder(place, 'deep', png({ width: 10_000, height: 9_999, isDeep: true })),
  ];
  return [
    { name: 'pictures: eight PNG of 100 megapixels', args: of(large) },
    { name: 'pictures: eight PNG of 100 megapixels, 16 bits, interlaced', args: of(deep) },
    {
      name: 'pictures: the same eight, sampled for a tensorfile',
      args: sampleArgs(inFile(place, 'deep.txt', trainingSpec(dirname(deep), '32,32')), '8'),
    },
    {
      name: 'pictures: PNG of 10 × 9,999,999',
      args: of(imageFolder(place, 'high', png({ width: 10, height: 9_999_999 }))),
    },
    { name: 'pictures: SVG of 10^10 uses', args: of(imageFolder(place, 'laughs', laughs())) },
    {
      name: 'pictures: a pipe',
      args: exportArgs(place, place.sound, '--cal_image_dir', imageFolder(place, 'piped', undefined)),
    },
  ];
};

const trainingSpec = (images: string, size: string): string =>
  `train_config { train_dataset_path: "${images}" batch_size_per_gpu: 1 }\nmodel_config { arch: "resnet" n_layers: 18 input_image_size: "3,${size}" }`;

const sampleArgs = (spec: string, batches: string): readonly string[] => [
  ...[entry('tlt-int8-tensorfile'), 'classification', '-e', spec, '-m', batches],
  ...['-o', `${spec}.tensor`],
];

const fileBombs = (place: Place): Bomb[] => {
  const pipe = join(place.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  return [
    { name: 'histograms: 1 GiB', args: inspectArgs(inFile(place, 'large.hist', inflatingHistograms())) },
    { name: 'histograms: 300,000 parts', args: inspectArgs(inFile(place, 'parts.hist', manyParts())) },
    {
      name: 'spec: images of 16384 × 16384',
      args: sampleArgs(inFile(place, 'spec.txt', trainingSpec(place.photos, '16384,16384')), '1'),
    },
    { name: 'spec: glob over the whole machine', args: records(inFile(place, 'glob.txt', globSpec)) },
    { name: 'model: a pipe', args: exportArgs(place, pipe, '--cal_image_dir', place.photos) },
    { name: 'model: /dev/zero', args: inspectArgs('/dev/zero') },
  ];
};

const globSpec =
  'dataset_config { data_sources { tfrecords_path: "/*/*/*/*/*/*/*" image_directory_path: "." } image_extension: "png" target_class_mapping { key: "a" value: "a" } }\naugmentation_config { preprocessing { output_image_width: 64 output_image_height: 64 output_image_channel: 3 } }\ntraining_config { batch_size_per_gpu: 1 }\ncost_function_config { target_classes { name: "a" class_weight: 1.0 } }';

const records = (spec: string): readonly string[] => [
  ...[entry('tlt-int8-tensorfile'), 'detectnet_v2', '-e', spec, '-m', '1', '-o', `${spec}.tensor`],
];

/** Writes all bombs to a folder. */
export const allBombs = async (folder: string): Promise<readonly Bomb[]> => {
  const sound = join(folder, 'sound.onnx');
  writeFileSync(sound, await smallClassifier());
  const place = { folder, photos: await smallPhotosFolder(), sound };
  return [...onnxBombs(place), ...(await hdf5Bombs(place)), ...pictureBombs(place), ...fileBombs(place)];
};
