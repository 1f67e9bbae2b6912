/** Fetches the inputs of an export task, and opens its model: the same for the export and for pods that count parts of its images. */
import { type OpenedModel, openModel } from '../../export/models/open-model.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { createVerifiedCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import type { ExportTask } from '../../ground/contract/task.ts';
import { verifyDigest } from './finished-work.ts';
import type { TaskContext } from './task-context.ts';
import { fetchSource, type TaskSource } from './task-source.ts';
import { readTraining, type Training } from './training-data.ts';

/** The fetched inputs of a task. */
export type TaskFiles = {
  readonly key: string;
  /** Path of the model. */
  readonly path: string;
  readonly training: Training | undefined;
  readonly data: TaskSource | undefined;
  /** SHA-256 digests of the inputs, by the names that a manifest uses. */
  readonly digests: Readonly<Record<string, string>>;
};

/** Fetches the inputs. @throws UserError KeyMissing, InputNotFound, DigestMismatch, SpecInvalid, DatasetInvalid */
export const readInputs = async (task: ExportTask, context: TaskContext): Promise<TaskFiles> => {
  context.progress(0, 1, 'Opening');
  const key = await readKey({ keyFile: context.keyFile, env: {} });
  await context.store.requireRoom(listFiles(task), context.signal);
  const path = await context.store.fetch(task.model.uri, context.signal);
  const training = task.experimentSpec && (await readTraining(task, task.experimentSpec, context));
  const data = await fetchSource(task, training, context);
  const digests = listDigests(await fileDigest(path), training, data);
  verifyDigest(task.model, digests.model!);
  return { key, path, training, data, digests };
};

/** Opens the model. @throws UserError WrongKey, CodecFailed, and as `openModel` */
export const openTask = async (
  task: ExportTask,
  { key, path, training }: TaskFiles,
  context: TaskContext,
): Promise<{ readonly opened: OpenedModel; readonly cipher: Cipher | undefined }> => {
  const cipher =
    task.codec &&
    (await createVerifiedCodec(
      { ...task.codec, signal: context.signal, warn: (line) => context.log('WARNING', line) },
      key,
    ));
  const { architecture, model: settings } = task;
  const opened = await openModel({ path, key, architecture, spec: training?.spec, settings, cipher });
  return { opened, cipher };
};

const listDigests = (
  model: string,
  training: Training | undefined,
  data: TaskSource | undefined,
): Readonly<Record<string, string>> => ({
  model,
  ...(training && { spec: training.sha256 }),
  ...(data && { [digestNames[data.source.kind]]: data.sha256 }),
});

/** Kind of calibration source → name of its digest in a manifest. */
const digestNames = {
  Images: 'images',
  Tensorfile: 'tensorfile',
  TensorfileOfImages: 'images',
  Loader: 'trainingData',
} as const;

/** The inputs that are read as whole files. */
const listFiles = ({ model, experimentSpec, calibration }: ExportTask): readonly string[] =>
  [model, experimentSpec, calibration?.tensorfile].flatMap((source) => source?.uri ?? []);
