/** The tensorfile pod: samples the training data, stores the batches as TLT does, and the manifest last. */

import type { Loader } from '../../data/datasets/loader.ts';
import { fillSample, openSample } from '../../export/pipeline/training-sample.ts';
import { canonicalJson } from '../../ground/base/digest.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import type { TensorfileWritten } from '../../ground/contract/result.ts';
import type { TensorfileTask } from '../../ground/contract/task.ts';
import { finishedWork } from './finished-work.ts';
import type { TaskWorld } from './task-world.ts';
import { planTraining, readTraining } from './training-data.ts';

/** @throws UserError with the reason that status shows */
export const runTensorfileTask = async (
  task: TensorfileTask,
  world: TaskWorld,
): Promise<TensorfileWritten> => {
  const training = await readTraining(task, task.experimentSpec, world);
  const { plan, folder: dataRoot } = await planTraining(training, task.dataRoot, world);
  const loader = await openSample(plan, {
    ...task,
    maxBroken: (task.maxBrokenPercent ?? 0) / 100,
    dataRoot,
    warn: (message) => world.log('WARNING', message),
  });
  const inputs = { spec: training.sha256, trainingData: await loader.digest() };
  const { folder } = task;
  const finished = await finishedWork(world.store, { folder, inputs, signal: world.signal });
  if (finished?.kind === 'TensorfileWritten') return { ...finished, reused: true };
  return store(task, { loader, inputs }, world);
};

type Sampled = {
  readonly loader: Loader;
  /** Digests of the spec, and of the names and sizes of the images that are drawn. */
  readonly inputs: Manifest['inputs'];
};

const store = async (
  { folder, maxBatches, tensorfileKey }: TensorfileTask,
  { loader, inputs }: Sampled,
  world: TaskWorld,
): Promise<TensorfileWritten> => {
  const uri = fileIn(folder, artifactFiles.tensorfile);
  const stored = await world.store.make(
    uri,
    (place) => fillSample(place, { path: uri, loader }, world),
    world.signal,
  );
  const facts = { batches: maxBatches, images: loader.images };
  const result: TensorfileWritten = {
    kind: 'TensorfileWritten',
    tensorfile: { file: artifactFiles.tensorfile, ...stored, ...facts },
    reused: false,
  };
  const manifest: Manifest = {
    formatVersion: 1,
    key: tensorfileKey,
    inputs,
    files: { [artifactFiles.tensorfile]: stored },
    result,
    notes: [`${facts.images} images in ${facts.batches} batches; tlt-export reads it by --cal_data_file`],
  };
  const bytes = Buffer.from(`${canonicalJson(manifest)}\n`);
  await world.store.put(fileIn(folder, artifactFiles.manifest), bytes, world.signal);
  return result;
};
