/** `tlt-export -e`: calibration with the spec's data loader, and the spec's means for images. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readNamedTraining } from '../../src/adapters/tlt-export/named-training.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { openSource } from '../../src/export/pipeline/calibration-source.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { type Architecture, architectureNames } from '../../src/ground/contract/architectures.ts';
import { collect } from '../builders/collected.ts';
import { runExport, runSample } from '../builders/tool-context.ts';
import { aTraining, counts } from '../builders/training.ts';
import { detectorFile, modelFile, scenesFolder } from '../models/models.ts';

const models: Readonly<Record<Architecture, string>> = {
  classification: modelFile('classifier'),
  detectnet_v2: modelFile('detectnet_v2'),
  ssd: detectorFile('ssd'),
  dssd: detectorFile('dssd'),
  retinanet: detectorFile('retinanet'),
  yolo: detectorFile('yolo'),
  faster_rcnn: detectorFile('faster_rcnn'),
};

let runs = 0;
/** Exports the training in this folder as int8 with MinMax, and returns cache and log. */
const exportInt8 = async (folder: string, module: Architecture, ...args: string[]) => {
  const at = (name: string) => join(folder, `${++runs}-${name}`);
  const [output, cache] = [at('m.etlt'), at('cal.bin')];
  const { log } = await runExport(
    ...[module, '-m', models[module], '-k', 'k', '-o', output, '--cal_cache_file', cache],
    ...['-e', join(folder, 'spec.txt'), '--data_root', folder, '--data_type', 'int8'],
    ...['--cal_algorithm', 'MinMax', '--batches', '1', '--batch_size', String(counts.batchSize)],
    ...args,
  );
  return { log, cache: readFileSync(cache, 'utf8') };
};

test('the data loader and a tensorfile of the same spec give the same cache', async (t) => {
  const folder = await aTraining('classification');
  const { log, cache } = await exportInt8(folder, 'classification');
  for (const line of [/with the data loader of .*spec\.txt$/, /tensors from 4 images was saved/])
    t.true(
      log.some((each) => line.test(each)),
      log.join('\n'),
    );
  const file = join(folder, 'c.tensor');
  const spec = ['-e', join(folder, 'spec.txt'), '--data_root', folder];
  await runSample(['classification', ...spec, '-o', file, '-m', '1']);
  t.is((await exportInt8(folder, 'classification', '--cal_data_file', file)).cache, cache);
});

const largest = (data: Float32Array): number =>
  data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

for (const module of architectureNames)
  test(`${module}: the data loader feeds training images in the form that the model expects`, async (t) => {
    const folder = await aTraining(module);
    const training = {
      architecture: module,
      values: { data_root: folder },
      context: { env: {}, log: () => {} },
    };
    const { plan, dataRoot, spec } = await readNamedTraining({ file: join(folder, 'spec.txt'), ...training });
    const opened = await openModel({ path: models[module], key: 'k', architecture: module, spec });
    const source = { kind: 'Loader', name: 'spec.txt', plan: plan(), dataRoot } as const;
    const request = { source, batches: 1, batchSize: 4, seed: 1, rows: 3 };
    const { batches } = await openSource(opened, request);
    const found = await collect(batches);
    t.deepEqual(
      found.map(({ dims }) => dims),
      [3, 1].map((rows) => [rows, opened.channels, opened.height, opened.width]),
    );
    const most = Math.max(...found.map(({ data }) => largest(data)));
    const [least, limit] = module === 'detectnet_v2' ? [0.7, 1] : [100, 152];
    t.true(most > least && most <= limit, `${most}`);
  });

test('report and accuracy gate use images that calibration did not use, preprocessed as in training', async (t) => {
  const folder = await aTraining('detectnet_v2');
  await exportInt8(folder, 'detectnet_v2', '--report', join(folder, 'r.html'), '--min_agreement', '1');
  const report = JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')) as {
    agreement: { images: number };
    preprocessing: { mean: number[]; scale: number };
    thumbnails: { name: string }[];
  };
  t.is(report.agreement.images, counts.training - counts.batchSize);
  t.deepEqual(report.preprocessing.mean, [0, 0, 0]);
  t.is(report.thumbnails.length, counts.batchSize);
  t.true(report.thumbnails.every(({ name }) => /^photo\d-\d\d\.jpg$/.test(name)));
});

test('the means of a spec apply to images of a folder', async (t) => {
  const folder = await aTraining('ssd');
  const spec = readFileSync(join(folder, 'spec.txt'), 'utf8');
  const means = ['b', 'g', 'r'].map((key) => `image_mean { key: "${key}" value: 0.5 }`).join(' ');
  writeFileSync(join(folder, 'spec.txt'), spec.replace('output_channel: 3', `output_channel: 3 ${means}`));
  const { cache } = await exportInt8(folder, 'ssd', '--cal_image_dir', scenesFolder);
  t.true(parseCalibrationCache(cache).scales.get('Input')! * 127 > 240, 'the means are almost zero');
});

type Wrong = {
  readonly module?: Architecture;
  /** Changes the text of the spec. */
  readonly spec?: (text: string) => string;
  readonly args?: (folder: string) => readonly string[];
  readonly says: RegExp;
};

const refuses = test.macro<[Wrong]>({
  title: (what) => `refused: ${what}`,
  exec: async (t, { module = 'classification', spec, args, says }) => {
    const folder = await aTraining('classification');
    const path = join(folder, 'spec.txt');
    if (spec) writeFileSync(path, spec(readFileSync(path, 'utf8')));
    const before = readdirSync(folder);
    const error = await t.throwsAsync(exportInt8(folder, module, ...(args?.(folder) ?? [])), {
      instanceOf: UserError,
    });
    t.regex(`${error.reason}: ${error.message}`, says);
    t.deepEqual(readdirSync(folder), before);
  },
});
test('a spec of another module, whatever the data type', refuses, {
  module: 'detectnet_v2',
  args: () => ['--data_type', 'fp32'],
  says: /^SpecInvalid: .*it is a spec of classification .* but a spec of detectnet_v2 is required/,
});
test('a spec without image paths, when images are needed', refuses, {
  spec: (text) => text.replace(/train_dataset_path: "\S*"/, ''),
  says: /^SpecInvalid: .*spec\.txt:\d+:\d+ train_config\.train_dataset_path: required field is missing/s,
});
test('a spec of a model with another input', refuses, {
  spec: (text) => text.replace('3,48,192', '3,48,96'),
  says: /^SpecInvalid: .*its images are 3×48×96 .*and the model takes 3×48×192/,
});
test('a folder of the spec that does not exist', refuses, {
  args: () => ['--data_root', '/nowhere'],
  says: /^InputNotFound: Opening the class folder \/nowhere\/train/,
});
test('a tensorfile that does not exist, even with a data loader', refuses, {
  args: (folder) => ['--cal_data_file', join(folder, 'absent.tensor')],
  says: /^InputNotFound: .*absent\.tensor: it does not exist.* to calibrate on the training data of -e/,
});
test('a spec whose channels differ from those of the model is refused', async (t) => {
  const folder = await aTraining('ssd');
  const spec = readFileSync(join(folder, 'spec.txt'), 'utf8');
  const grey = 'output_channel: 1 image_mean { key: "l" value: 100 }';
  writeFileSync(join(folder, 'spec.txt'), spec.replace('output_channel: 3', grey));
  const error = await t.throwsAsync(exportInt8(folder, 'ssd', '--cal_image_dir', scenesFolder), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'SpecInvalid');
  t.regex(error.message, /means for 1 channels, and the model takes 3/);
  t.false(existsSync(join(folder, 'm.etlt')));
});
