/** The export pod: fetches the model, exports it, stores every artifact, and the manifest last. */
import { writeFile } from 'node:fs/promises';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import { openModel } from '../../export/models/open-model.ts';
import { requireAgreement } from '../../export/pipeline/agreement-gate.ts';
import { etltOf, verificationTensor, type Watch } from '../../export/pipeline/export.ts';
import { int8Facts } from '../../export/pipeline/int8-share.ts';
import {
  type CalibrationDone,
  floatNotes,
  makeReport,
  type ReportRequest,
} from '../../export/pipeline/report.ts';
import { sensitivityOf } from '../../export/pipeline/sensitivity.ts';
import {
  comparedImages,
  type Trained,
  trainedScales,
  usesTrainedScales,
} from '../../export/pipeline/trained-scales.ts';
import { type Judging, judgeExport, type Verdict, warningsOf } from '../../export/pipeline/verdict.ts';
import type { Cipher, Pieces } from '../../formats/crypto/encrypted-model.ts';
import { provenCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { payloadDigest } from '../../formats/crypto/payload-digest.ts';
import { integerNote } from '../../graph/precision/foreign-quantisers.ts';
import { canonicalJson, fileDigest } from '../../ground/base/digest.ts';
import { readableBytes } from '../../ground/base/readable.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import { type Exported, reportedNodes, type StoredFile } from '../../ground/contract/result.ts';
import type { CalibrationTask, ExportTask } from '../../ground/contract/task.ts';
import { finishedWork, requirePin } from './finished-work.ts';
import { type CalibrationWork, calibrateTask } from './task-calibration.ts';
import { fetchSource } from './task-source.ts';
import type { TaskWorld } from './task-world.ts';
import { readTraining } from './training-data.ts';

/** @throws UserError with the reason that status shows */
export const runExportTask = async (task: ExportTask, world: TaskWorld): Promise<Exported> => {
  const key = await readKey({ keyFile: world.keyFile, env: {} });
  const path = await world.store.fetch(task.model.uri, world.signal);
  const training = task.experimentSpec && (await readTraining(task, task.experimentSpec, world));
  const data = await fetchSource(task, training, world);
  const inputs = {
    model: await fileDigest(path),
    ...(training && { spec: training.sha256 }),
    ...(data && { [inputNames[data.source.kind]]: data.sha256 }),
  };
  requirePin(task.model, inputs.model);
  const finished = await finishedExport(task, inputs, world);
  if (finished) return finished;
  const cipher = task.codec && (await provenCodec({ ...task.codec, ...world }, key));
  const opened = await openModel({
    path,
    key,
    architecture: task.architecture,
    spec: training?.spec,
    settings: task.model,
    cipher,
  });
  const note = task.calibration && integerNote(opened.model);
  if (note !== undefined) world.warn(note);
  const prepared = { task, opened, data, inputs };
  const trained = usesTrainedScales(opened, task.forcePtq) ? await trainedTask(prepared, world) : undefined;
  const calibration = task.calibration && !trained && (await calibrateTask(prepared, world));
  // Another pod may have made the same meanwhile: what its manifest names is not written over.
  const products = { ...prepared, calibration: calibration || undefined, trained, key, cipher };
  return (await finishedExport(task, inputs, world)) ?? publish(products, world);
};

const finishedExport = async (
  { folder }: ExportTask,
  inputs: Prepared['inputs'],
  { store, signal }: TaskWorld,
): Promise<Exported | undefined> => {
  const finished = await finishedWork(store, { folder, inputs, signal });
  return finished?.kind === 'Exported' ? { ...finished, reused: true } : undefined;
};

/** What a manifest calls the digest of the data. */
const inputNames = {
  Images: 'images',
  Tensorfile: 'tensorfile',
  TensorfileOfImages: 'images',
  Loader: 'trainingData',
} as const;

type Prepared = CalibrationWork & {
  /** Digests of what went in. */
  readonly inputs: Readonly<Record<string, string>>;
};

/** Images, if any are named, only compare. The JSON is stored whatever the data type, the cache for int8. */
const trainedTask = async ({ task, opened, data }: Prepared, watch: Watch): Promise<TrainedDone> => {
  const { tensorRtVersion, seed } = defaults;
  const { architecture, calibration } = task;
  const trained = trainedScales(opened, {
    architecture,
    tensorRtVersion,
    keepFloat: calibration?.keepFloat ?? [],
  });
  const folder = data?.source.kind === 'Images' ? data.source.folder : undefined;
  const kept = await comparedImages(opened, folder, seed);
  const least = calibration?.minAgreement;
  await requireAgreement(opened, { quantised: { ...trained, kept }, least, watch });
  return { ...trained, kept };
};

type TrainedDone = Trained & { readonly kept: readonly SampledImage[] };

type Products = Prepared & {
  readonly calibration: CalibrationDone | undefined;
  readonly trained: TrainedDone | undefined;
  readonly key: string;
  /** The user's own, beside age. */
  readonly cipher: Cipher | undefined;
};

/** Cache and images to judge engines by, from calibration or training; nothing for other data types. */
const int8Parts = ({ task, calibration, trained }: Products) => {
  if (task.calibration === undefined) return undefined;
  const facts = cacheFacts(task.calibration, calibration);
  const { cache, scales, kept } = calibration?.calibrated ?? trained!;
  return { cache, scales, kept, facts: { ...facts, tensors: scales.size } };
};

const publish = async (products: Products, world: TaskWorld): Promise<Exported> => {
  const { task, opened, trained, key, cipher, inputs } = products;
  const int8 = int8Parts(products);
  const verdict = await judgeExport(opened, judging(products, world));
  for (const { isWarning, text } of verdict.notes) if (isWarning) world.warn(text);
  const isAsked = task.calibration?.sensitivity === true && int8 !== undefined && int8.kept.length > 0;
  const sensitivity = isAsked ? await sensitivityOf(opened, { ...int8, watch: world }) : undefined;
  const files: Record<string, { sha256: string; sizeBytes: number }> = {};
  const store = async (name: string, bytes: Uint8Array | string): Promise<StoredFile> => {
    const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const uri = fileIn(task.folder, name);
    const stored = await world.store.put(uri, content, world.signal);
    files[name] = stored;
    return { file: name, ...stored };
  };
  const make = async (name: string, pieces: Pieces): Promise<StoredFile> => {
    const uri = fileIn(task.folder, name);
    const stored = await world.store.make(uri, (path) => writeFile(path, pieces), world.signal);
    files[name] = stored;
    return { file: name, ...stored };
  };
  const etlt = await make(artifactFiles.etlt, await etltOf(opened, key));
  const named = { payloadDigest: await payloadDigest(readableBytes(opened.payload), key) };
  const codecEtlt = cipher && (await make(artifactFiles.codecEtlt, await etltOf(opened, key, { cipher })));
  const cache = int8 && (await store(artifactFiles.calibrationCache, int8.cache));
  if (trained) await store(artifactFiles.tensorScales, trained.json);
  const kept = int8 && (await verificationTensor(opened, int8.kept));
  const verification = kept && (await store(artifactFiles.verification, kept));
  const texts = await makeReport({ ...reportRequest({ ...products, verdict }, files, world), sensitivity });
  const report = await store(artifactFiles.report, texts.json);
  const page = await store(artifactFiles.reportPage, texts.page);
  const result: Exported = {
    kind: 'Exported',
    etlt: { ...etlt, ...named, ...reportedNodes(opened.input, opened.outputs) },
    ...(codecEtlt && { codecEtlt }),
    ...(cache && { calibrationCache: { ...cache, ...int8.facts, ...int8Facts(verdict) } }),
    ...(verification && { verification }),
    report: { file: report.file, pageFile: page.file },
    inputs,
    reused: false,
  };
  const manifest: Manifest = {
    formatVersion: 1,
    key: task.exportKey,
    inputs,
    files,
    result,
    notes: [...howToOpen, ...(codecEtlt ? [codecNote] : []), ...verdict.notes.map(({ text }) => text)],
  };
  await world.store.put(
    fileIn(task.folder, artifactFiles.manifest),
    Buffer.from(`${canonicalJson(manifest)}\n`),
    world.signal,
  );
  return result;
};

const judging = (products: Products, { signal }: TaskWorld): Judging => {
  const { task, trained } = products;
  const int8 = int8Parts(products);
  return {
    dataType: task.dataType,
    scales: int8?.scales,
    isTrained: trained !== undefined,
    keepFloat: task.calibration?.keepFloat ?? [],
    kept: int8?.kept ?? [],
    requireInt8: task.calibration?.requireInt8 ?? false,
    signal,
  };
};

const cacheFacts = ({ algorithm, batches }: CalibrationTask, done: CalibrationDone | undefined) =>
  done
    ? ({ algorithm, batches, images: done.calibrated.statistics.images } as const)
    : ({ algorithm: 'Trained', batches: 0, images: 0 } as const);

const howToOpen = [
  'tail -c +5 model.etlt | age --decrypt > model.onnx   # asks for the key',
  'calibration.cache is the text that TensorRT up to 10.x reads (trtexec --int8 --calib=calibration.cache)',
] as const;

const codecNote = 'model.codec.etlt is the same model, encrypted by the program of spec.codec';

/** `files` are those stored so far: the report cannot list itself. */
const reportRequest = (
  { task, opened, calibration, trained, verdict }: Products & { readonly verdict: Verdict },
  files: Readonly<Record<string, { sha256: string; sizeBytes: number }>>,
  { clock, signal }: TaskWorld,
): ReportRequest => ({
  architecture: task.architecture,
  dataType: task.dataType,
  source: task.model.uri,
  opened,
  calibration,
  ...(trained && task.calibration && { trained }),
  files: Object.entries(files).map(([name, { sha256: digest, sizeBytes }]) => ({
    name,
    sha256: digest,
    sizeBytes,
  })),
  notes: [...floatNotes(task.calibration?.keepFloat ?? []), ...warningsOf(verdict)],
  int8: verdict.int8,
  clock,
  signal,
});
