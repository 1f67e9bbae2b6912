/** Calibration from training data: by the loader itself, and by a tensorfile of its batches. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { collectStatistics } from '../../src/calibration/pass/calibrate.ts';
import { openLoader } from '../../src/data/datasets/loader.ts';
import type { LoaderPlan } from '../../src/data/datasets/plan.ts';
import { caffeValues } from '../../src/data/preprocessing/values.ts';
import { type OpenedModel, openModel } from '../../src/export/models/open-model.ts';
import { type CalibrationSource, openSource } from '../../src/export/pipeline/calibration-source.ts';
import { writeTensorfile } from '../../src/formats/hdf5/tensorfile-writer.ts';
import { writeCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { calibrateOn } from '../builders/calibrated.ts';
import { aFolder } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const watch = { progress: () => {}, signal: new AbortController().signal };
const sample = { batches: 2, batchSize: 3, seed: 7 };

const calibrated = (opened: OpenedModel, source: CalibrationSource) =>
  calibrateOn(opened, { source, ...sample, algorithm: 'MinMax' });

/** The photos as classes in `train`, relative to the folder; and a classifier. */
const aTraining = async () => {
  const folder = aFolder();
  mkdirSync(join(folder, 'train'));
  const photos = await smallPhotosFolder();
  for (const name of readdirSync(photos)) {
    mkdirSync(join(folder, 'train', name.slice(0, 6)), { recursive: true });
    symlinkSync(join(photos, name), join(folder, 'train', name.slice(0, 6), name));
  }
  const path = join(folder, 'small.onnx');
  writeFileSync(path, await smallClassifier());
  const opened = await openModel({ path, key: 'k', architecture: 'classification' });
  const { channels, height, width } = opened;
  const plan: LoaderPlan = {
    kind: 'classFolders',
    training: 'train',
    size: { channels, height, width },
    batchSize: 16,
    geometry: { kind: 'nearest' },
    values: caffeValues(channels),
  };
  return {
    folder,
    opened,
    plan,
    source: { kind: 'Loader', name: 'spec.txt', plan, dataRoot: folder } as const,
  };
};

test('the loader and a tensorfile of its batches give one cache, byte for byte', async (t) => {
  const { folder, opened, plan, source } = await aTraining();
  const direct = await calibrated(opened, source);
  t.is(direct.statistics.images, 6);
  const path = join(folder, 'c.tensor');
  const { batches } = await openLoader(plan, { ...sample, set: 'training', dataRoot: folder });
  t.is(await writeTensorfile(path, batches), 2);
  t.is((await calibrated(opened, { kind: 'Tensorfile', path })).cache, direct.cache);
});

test('a spec whose images do not have the size of the model is refused before any image is read', async (t) => {
  const { opened, plan, source } = await aTraining();
  const other = { ...source, plan: { ...plan, size: { ...plan.size, width: 33 } }, dataRoot: '/nowhere' };
  const error = await t.throwsAsync(calibrated(opened, other), { instanceOf: UserError });
  t.is(error.reason, 'SpecInvalid');
  t.regex(error.message, /training data of spec\.txt: its images are 3×\d+×33 .*and the model takes/);
});

/** The cache of six images, in batches of this size and on this number of threads. */
const cacheOf = async (
  opened: OpenedModel,
  source: CalibrationSource,
  { batchSize, threads }: { readonly batchSize: number; readonly threads: number },
): Promise<string> => {
  const { model, input, channels, height, width } = opened;
  const request = { source, batches: 6 / batchSize, batchSize, seed: 7, rows: batchSize };
  const { batches } = await openSource(opened, request);
  const shape = [1, channels, height, width] as const;
  const statistics = await collectStatistics({ model, input, shape, batches, threads, ...watch });
  const scales = scalesOf(statistics, 'Entropy');
  return writeCalibrationCache({ version: 8601, algorithmWord: 'EntropyCalibration2', scales });
};

test('a seed gives one cache, byte for byte, at any batch size and on any number of threads', async (t) => {
  const { opened, source } = await aTraining();
  for (const each of [source, { kind: 'Images', folder: await smallPhotosFolder() } as const]) {
    const first = await cacheOf(opened, each, { batchSize: 1, threads: 1 });
    for (const [batchSize, threads] of [
      [2, 3],
      [6, 2],
    ] as const)
      t.is(await cacheOf(opened, each, { batchSize, threads }), first, `${each.kind}, ${threads} threads`);
  }
});

test('a signal stops the writing of a tensorfile of images, and no file is left', async (t) => {
  const { folder, opened } = await aTraining();
  const source = { kind: 'TensorfileOfImages', path: join(folder, 'c.tensor') } as const;
  const request = { source: { ...source, folder: await smallPhotosFolder() }, ...sample, rows: 3 };
  const before = readdirSync(folder);
  const signal = AbortSignal.abort(new UserError('Interrupted', 'stopped'));
  const error = await t.throwsAsync(openSource(opened, { ...request, signal }), { instanceOf: UserError });
  t.is(error.reason, 'Interrupted');
  t.deepEqual(readdirSync(folder), before);
});
