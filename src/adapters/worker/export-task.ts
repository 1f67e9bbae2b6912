/** The export pod: fetches the inputs, exports the model, stores every artifact, and the manifest last. */
import { writeFile } from 'node:fs/promises';
import { openModel } from '../../export/models/open-model.ts';
import {
  type CacheFacts,
  type ExportArtifact,
  type ExportOutcome,
  makeArtifacts,
  prepareExport,
  storeArtifacts,
} from '../../export/pipeline/artifacts.ts';
import { int8Facts } from '../../export/pipeline/int8-share.ts';
import { openEncrypted } from '../../formats/crypto/encrypted-model.ts';
import { createVerifiedCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { computePayloadDigest } from '../../formats/crypto/payload-digest.ts';
import { describeIntegerOperators } from '../../graph/precision/foreign-quantisers.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { openReadable, readableBytes } from '../../ground/base/readable.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import { type Exported, reportedNodes } from '../../ground/contract/result.ts';
import type { ExportTask } from '../../ground/contract/task.ts';
import type { Stored } from '../storage/store.ts';
import { finishedWork, requirePin, type Wanted } from './finished-work.ts';
import { type Made, storeOnce } from './store-once.ts';
import { taskRequest } from './task-request.ts';
import { fetchSource, type TaskSource } from './task-source.ts';
import type { TaskWorld } from './task-world.ts';
import { readTraining, type Training } from './training-data.ts';

/** @throws UserError with the reason that status shows */
export const runExportTask = async (task: ExportTask, world: TaskWorld): Promise<Exported> => {
  const key = await readKey({ keyFile: world.keyFile, env: {} });
  const path = await world.store.fetch(task.model.uri, world.signal);
  const training = task.experimentSpec && (await readTraining(task, task.experimentSpec, world));
  const data = await fetchSource(task, training, world);
  const inputs = digestsOf(await fileDigest(path), training, data);
  requirePin(task.model, inputs.model!);
  const wanted = wantedExport(task, { inputs, key, world });
  const finished = await finishedWork(world.store, wanted);
  if (finished) return { ...finished, reused: true };
  const cipher =
    task.codec &&
    (await createVerifiedCodec(
      { ...task.codec, signal: world.signal, warn: (line) => world.log('WARNING', line) },
      key,
    ));
  const { architecture, model: settings } = task;
  const opened = await openModel({ path, key, architecture, spec: training?.spec, settings, cipher });
  const note = task.calibration && describeIntegerOperators(opened.model);
  if (note !== undefined) world.log('WARNING', note);
  const request = taskRequest(task, { opened, key, cipher, data, world });
  const prepared = await prepareExport(request, world);
  const digest = await computePayloadDigest(readableBytes(opened.payload), key);
  return storeOnce<Exported>(world.store, {
    wanted,
    files: Object.values(artifactFiles).filter((file) => file !== artifactFiles.manifest),
    make: async (staging, nameOf) => {
      const files: StoredFiles = new Map();
      let cacheFacts: CacheFacts | undefined;
      await storeArtifacts(makeArtifacts(prepared, world), async ({ role, content, ...artifact }) => {
        const name = nameOf(artifactFiles[role]);
        const stored = await staging.make(name, (place) => writeFile(place, content));
        files.set(role, { file: name, ...stored });
        if ('facts' in artifact) cacheFacts = artifact.facts;
        return { name, ...stored };
      });
      const cache = cacheOf(files.get('calibrationCache'), { task, cacheFacts, outcome: prepared });
      const etlt = { payloadDigest: digest, ...reportedNodes(opened.input, opened.outputs) };
      return madeOf({ task, inputs, files, etlt, cache, outcome: prepared });
    },
  });
};

type StoredFiles = Map<ExportArtifact['role'], Stored & { readonly file: string }>;

/** The same model is encrypted again if the key has changed since: the old file is of no use to those who have the new one. */
const wantedExport = (
  { folder }: ExportTask,
  {
    inputs,
    key,
    world: { store, signal },
  }: { readonly inputs: Manifest['inputs']; readonly key: string; readonly world: TaskWorld },
): Wanted<Exported> => ({
  kind: 'Exported',
  folder,
  inputs,
  isUsable: async ({ etlt }) => opensWith(key, await store.fetch(fileIn(folder, etlt.file), signal)),
  signal,
});

/** Takes one derivation of the key: nothing but the header is decrypted. */
const opensWith = async (key: string, path: string): Promise<boolean> => {
  using file = openReadable(path);
  try {
    await openEncrypted(file, key);
    return true;
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'WrongKey') return false;
    throw thrown;
  }
};

const digestsOf = (
  model: string,
  training: Training | undefined,
  data: TaskSource | undefined,
): Readonly<Record<string, string>> => ({
  model,
  ...(training && { spec: training.sha256 }),
  ...(data && { [inputNames[data.source.kind]]: data.sha256 }),
});

/** The name of the data's digest in a manifest. */
const inputNames = {
  Images: 'images',
  Tensorfile: 'tensorfile',
  TensorfileOfImages: 'images',
  Loader: 'trainingData',
} as const;

const optional = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };

type Cached = {
  readonly task: ExportTask;
  readonly cacheFacts: CacheFacts | undefined;
  readonly outcome: ExportOutcome;
};

const cacheOf = (
  stored: (Stored & { readonly file: string }) | undefined,
  { task, cacheFacts, outcome }: Cached,
): Exported['calibrationCache'] => {
  if (stored === undefined || cacheFacts === undefined) return undefined;
  const batches = cacheFacts.algorithm === 'Trained' ? 0 : task.calibration!.batches;
  return { ...stored, ...cacheFacts, batches, ...int8Facts(outcome.verdict) };
};

type Finished = {
  readonly task: ExportTask;
  readonly inputs: Manifest['inputs'];
  readonly files: StoredFiles;
  readonly etlt: Omit<Exported['etlt'], keyof Stored | 'file'>;
  readonly cache: Exported['calibrationCache'];
  readonly outcome: ExportOutcome;
};

const madeOf = ({ task, inputs, files, etlt, cache, outcome }: Finished): Made<Exported> => {
  const model = { ...files.get('etlt')!, ...etlt };
  const codecEtlt = files.get('codecEtlt');
  return {
    key: task.exportKey,
    files: Object.fromEntries([...files.values()].map(({ file, ...stored }) => [file, stored])),
    result: {
      kind: 'Exported',
      etlt: model,
      ...optional('codecEtlt', codecEtlt),
      ...optional('calibrationCache', cache),
      ...optional('verification', files.get('verification')),
      report: { file: files.get('report')!.file, pageFile: files.get('reportPage')!.file },
      inputs,
      reused: false,
    },
    notes: [
      `tail -c +5 ${model.file} | age --decrypt > model.onnx   # asks for the key`,
      ...(cache ? [`${cache.file} ${readsCache} (trtexec --int8 --calib=${cache.file})`] : []),
      ...(codecEtlt ? [`${codecEtlt.file} is the same model, encrypted by the program of spec.codec`] : []),
      ...outcome.verdict.notes.map(({ text }) => nameFields(text, 'spec')),
    ],
  };
};

const readsCache = 'is the text that TensorRT up to 10.x reads';
