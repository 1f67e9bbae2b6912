/** Calibration from the training's own data: by the loader itself, and by a tensorfile that holds its batches. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { UserError } from '../../src/base/errors.ts';
import { openLoader } from '../../src/datasets/loader.ts';
import type { LoaderPlan } from '../../src/datasets/plan.ts';
import { writeTensorfile } from '../../src/formats/tensorfile-writer.ts';
import { caffeValues } from '../../src/preprocessing/values.ts';
import type { CalibrationSource } from '../../src/worker/calibration-source.ts';
import { calibrate } from '../../src/worker/export.ts';
import { type OpenedModel, openModel } from '../../src/worker/open-model.ts';
import { aFolder } from '../builders/tool.ts';
import { modelFile } from '../models/models.ts';
import { photosFolder } from '../photos/photos.ts';

const watch = { progress: () => {}, signal: new AbortController().signal };
const sample = { batches: 2, batchSize: 3, seed: 7 };

const calibrated = (opened: OpenedModel, source: CalibrationSource) => {
  const request = { source, ...sample, algorithm: 'MinMax', tensorRtVersion: '8.6.1' } as const;
  return calibrate(opened, { request, watch });
};

/** The photos as classes in `train`, relative to the folder; and the classifier. */
const aTraining = async () => {
  const folder = aFolder();
  mkdirSync(join(folder, 'train'));
  const photos = await photosFolder();
  for (const name of readdirSync(photos)) {
    mkdirSync(join(folder, 'train', name.slice(0, 6)), { recursive: true });
    symlinkSync(join(photos, name), join(folder, 'train', name.slice(0, 6), name));
  }
  const opened = await openModel({ path: modelFile('classifier'), key: 'k', architecture: 'classification' });
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

test('a spec whose images are of another size than the model takes is refused before any is read', async (t) => {
  const { opened, plan, source } = await aTraining();
  const other = { ...source, plan: { ...plan, size: { ...plan.size, width: 33 } }, dataRoot: '/nowhere' };
  const error = await t.throwsAsync(calibrated(opened, other), { instanceOf: UserError });
  t.is(error.reason, 'SpecInvalid');
  t.regex(error.message, /training data of spec\.txt: its images are 3×\d+×33 .*and the model takes/);
});
