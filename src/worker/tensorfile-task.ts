/** The tensorfile pod: samples the training data, stores the batches as TLT does, and the manifest last. */
import { canonicalJson } from '../base/digest.ts';
import type { UserError } from '../base/errors.ts';
import { artifactFiles, fileIn } from '../contract/layout.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { TensorfileWritten } from '../contract/result.ts';
import type { TensorfileTask } from '../contract/task.ts';
import { type Loader, openLoader } from '../datasets/loader.ts';
import { writeTensorfile } from '../formats/tensorfile-writer.ts';
import type { Batch } from '../preprocessing/batches.ts';
import { finishedWork } from './finished-work.ts';
import type { TaskWorld } from './task-world.ts';
import { planTraining } from './training-data.ts';

/** @throws UserError with the reason that status shows */
export const runTensorfileTask = async (
  task: TensorfileTask,
  world: TaskWorld,
): Promise<TensorfileWritten> => {
  const { plan, folder: dataRoot, specSha256: spec } = await planTraining(task, world);
  const loader = await openLoader(plan, { ...loaderOptions(task, world), dataRoot });
  const inputs = { spec, trainingData: await loader.digest() };
  const { folder } = task;
  const finished = await finishedWork(world.store, { folder, inputs, signal: world.signal });
  if (finished?.kind === 'TensorfileWritten') return { ...finished, reused: true };
  return store(task, { loader, inputs }, world);
};

const loaderOptions = (task: TensorfileTask, { warn }: TaskWorld) => ({
  seed: task.seed,
  set: task.useValidationSet ? ('validation' as const) : ('training' as const),
  batches: task.maxBatches,
  allowance: {
    share: (task.maxBrokenPercent ?? 0) / 100,
    onBroken: ({ message }: UserError) => warn(`Left out: ${message}`),
  },
});

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
  const write = async (path: string): Promise<void> => {
    await writeTensorfile(path, watched(loader, world));
  };
  const stored = await world.store.make(uri, write, world.signal);
  const facts = { batches: maxBatches, images: loader.images };
  const result: TensorfileWritten = {
    kind: 'TensorfileWritten',
    tensorfile: { uri, ...stored, ...facts },
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

/** The same batches, told of as they go by, and stopped between two of them. */
async function* watched({ batches, images }: Loader, { progress, signal }: TaskWorld): AsyncGenerator<Batch> {
  let done = 0;
  for await (const batch of batches) {
    signal.throwIfAborted();
    yield batch;
    done += batch.paths.length;
    progress(done, images);
  }
}
