/** The export pod: fetches the inputs, exports the model, stores every artifact, and the manifest last. */
import { writeFile } from 'node:fs/promises';
import { openModel } from '../../export/models/open-model.ts';
import {
  type Artifact,
  artifactsOf,
  type CacheFacts,
  type Outcome,
  prepareExport,
  storeArtifacts,
} from '../../export/pipeline/artifacts.ts';
import { int8Facts } from '../../export/pipeline/int8-share.ts';
import { createVerifiedCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { computePayloadDigest } from '../../formats/crypto/payload-digest.ts';
import { integerNote } from '../../graph/precision/foreign-quantisers.ts';
import { canonicalJson, fileDigest } from '../../ground/base/digest.ts';
import { readableBytes } from '../../ground/base/readable.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import { type Exported, reportedNodes } from '../../ground/contract/result.ts';
import type { ExportTask } from '../../ground/contract/task.ts';
import type { Stored } from '../storage/store.ts';
import { finishedWork, requirePin } from './finished-work.ts';
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
  const finished = await finishedExport(task, inputs, world);
  if (finished) return finished;
  const cipher =
    task.codec &&
    (await createVerifiedCodec(
      { ...task.codec, signal: world.signal, warn: (line) => world.log('WARNING', line) },
      key,
    ));
  const { architecture, model: settings } = task;
  const opened = await openModel({ path, key, architecture, spec: training?.spec, settings, cipher });
  const note = task.calibration && integerNote(opened.model);
  if (note !== undefined) world.log('WARNING', note);
  const request = taskRequest(task, { opened, key, cipher, data, world });
  const prepared = await prepareExport(request, world);
  // Another pod may have stored the same export meanwhile; what its manifest names is never overwritten.
  const twin = await finishedExport(task, inputs, world);
  if (twin) return twin;
  const files = new Map<Artifact['role'], Stored & { readonly file: string }>();
  let cacheFacts: CacheFacts | undefined;
  await storeArtifacts(artifactsOf(prepared, world), async (artifact) => {
    const stored = await store(artifact, task, world);
    files.set(artifact.role, stored);
    if (artifact.role === 'calibrationCache') cacheFacts = artifact.facts;
    return { name: stored.file, sha256: stored.sha256, sizeBytes: stored.sizeBytes };
  });
  const result: Exported = {
    kind: 'Exported',
    etlt: {
      ...files.get('etlt')!,
      payloadDigest: await computePayloadDigest(readableBytes(opened.payload), key),
      ...reportedNodes(opened.input, opened.outputs),
    },
    ...optional('codecEtlt', files.get('codecEtlt')),
    ...optional(
      'calibrationCache',
      cacheOf(files.get('calibrationCache'), { task, cacheFacts, outcome: prepared }),
    ),
    ...optional('verification', files.get('verification')),
    report: { file: files.get('report')!.file, pageFile: files.get('reportPage')!.file },
    inputs,
    reused: false,
  };
  await storeManifest({ task, inputs, files: [...files.values()], result, outcome: prepared }, world);
  return result;
};

const finishedExport = async (
  { folder }: ExportTask,
  inputs: Readonly<Record<string, string>>,
  { store, signal }: TaskWorld,
): Promise<Exported | undefined> => {
  const finished = await finishedWork(store, { folder, inputs, signal });
  return finished?.kind === 'Exported' ? { ...finished, reused: true } : undefined;
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

const store = async (
  { role, content }: Artifact,
  { folder }: ExportTask,
  world: TaskWorld,
): Promise<Stored & { readonly file: string }> => {
  const file = artifactFiles[role];
  const stored = await world.store.make(
    fileIn(folder, file),
    (path) => writeFile(path, content),
    world.signal,
  );
  return { file, ...stored };
};

const optional = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };

type Cached = {
  readonly task: ExportTask;
  readonly cacheFacts: CacheFacts | undefined;
  readonly outcome: Outcome;
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
  readonly inputs: Readonly<Record<string, string>>;
  readonly files: readonly (Stored & { readonly file: string })[];
  readonly result: Exported;
  readonly outcome: Outcome;
};

/** The last write: where the manifest exists, the folder is complete. */
const storeManifest = async (
  { task, inputs, files, result, outcome }: Finished,
  world: TaskWorld,
): Promise<void> => {
  const manifest: Manifest = {
    formatVersion: 1,
    key: task.exportKey,
    inputs,
    files: Object.fromEntries(files.map(({ file, ...stored }) => [file, stored])),
    result,
    notes: [
      ...howToOpen,
      ...(result.codecEtlt ? [codecNote] : []),
      ...outcome.verdict.notes.map(({ text }) => nameFields(text, 'spec')),
    ],
  };
  await world.store.put(
    fileIn(task.folder, artifactFiles.manifest),
    Buffer.from(`${canonicalJson(manifest)}\n`),
    world.signal,
  );
};

const howToOpen = [
  'tail -c +5 model.etlt | age --decrypt > model.onnx   # asks for the key',
  'calibration.cache is the text that TensorRT up to 10.x reads (trtexec --int8 --calib=calibration.cache)',
] as const;

const codecNote = 'model.codec.etlt is the same model, encrypted by the program of spec.codec';
