/** The export pod: fetches the model, exports it, stores every artifact, and the manifest last. */
import { readFile } from 'node:fs/promises';
import { canonicalJson, sha256 } from '../base/digest.ts';
import { UserError } from '../base/errors.ts';
import type { Algorithm } from '../contract/architectures.ts';
import { defaults } from '../contract/defaults.ts';
import { artifactFiles, fileIn } from '../contract/layout.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Artifact, Exported } from '../contract/result.ts';
import type { CalibrationTask, ExportTask } from '../contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';
import { requireAgreement } from './agreement-gate.ts';
import { type Calibrated, calibrate, etltOf, verificationTensor, type Watch } from './export.ts';
import { finishedWork, requirePin } from './finished-work.ts';
import { folderDigest } from './folder-digest.ts';
import { readKey } from './key.ts';
import { type OpenedModel, openModel } from './open-model.ts';
import { type CalibrationDone, makeReport, type ReportRequest } from './report.ts';

export type TaskWorld = Watch & {
  readonly store: ArtifactStore;
  readonly keyFile: string;
  /** Milliseconds, with fractions, from any start. */
  readonly clock: { now(): number };
};

/** @throws UserError with the reason that status shows */
export const runExportTask = async (task: ExportTask, world: TaskWorld): Promise<Exported> => {
  requireImageDirectory(task.calibration);
  const key = await readKey({ keyFile: world.keyFile, env: {} });
  const path = await world.store.fetch(task.model.uri, world.signal);
  const inputs = {
    model: sha256(await readFile(path)),
    ...(await calibrationDigest(task.calibration, world)),
  };
  requirePin(task.model, inputs.model);
  const finished = await finishedWork(world.store, { folder: task.folder, inputs, signal: world.signal });
  if (finished?.kind === 'Exported') return { ...finished, reused: true };
  const opened = await openModel({ path, key, architecture: task.architecture });
  const calibration = task.calibration && (await calibrateTask({ task, opened, inputs }, world));
  return publish({ task, opened, calibration, key, inputs }, world);
};

/** Names and sizes of the images: a folder that changed is calibrated from anew. */
const calibrationDigest = async (
  calibration: CalibrationTask | undefined,
  { store, signal }: TaskWorld,
): Promise<{ readonly images?: string }> => {
  if (calibration?.imageDirectory === undefined) return {};
  const folder = await store.fetch(calibration.imageDirectory.uri, signal);
  return { images: await folderDigest(folder) };
};

const requireImageDirectory = (calibration: CalibrationTask | undefined): void => {
  if (calibration === undefined || calibration.source === 'ImageDirectory') return;
  throw new UserError(
    'NotYetSupported',
    `Calibrating from ${calibration.source}: this version calibrates from ImageDirectory. Set spec.calibration.source to it, with imageDirectory.uri.`,
  );
};

type Prepared = {
  readonly task: ExportTask;
  readonly opened: OpenedModel;
  readonly inputs: Readonly<Record<string, string>>;
};

const calibrateTask = async (
  { task, opened, inputs }: Prepared,
  world: TaskWorld,
): Promise<CalibrationDone> => {
  const { imageDirectory, batches, batchSize, algorithm, minAgreement: least } = task.calibration!;
  const source = imageDirectory!.uri;
  const images = { kind: 'Images', folder: await world.store.fetch(source, world.signal) } as const;
  const { seed, tensorRtVersion } = defaults;
  const request = { source: images, batches, batchSize, algorithm, seed, tensorRtVersion };
  const calibrated = await calibrate(opened, task.architecture, { request, watch: world });
  await requireAgreement(opened, task.architecture, { calibrated, least });
  return { calibrated, request, source, imagesSha256: inputs.images! };
};

type Products = Prepared & { readonly calibration: CalibrationDone | undefined; readonly key: string };

const publish = async (products: Products, world: TaskWorld): Promise<Exported> => {
  const { task, opened, calibration, key, inputs } = products;
  const calibrated = calibration?.calibrated;
  const files: Record<string, { sha256: string; sizeBytes: number }> = {};
  const store = async (name: string, bytes: Uint8Array | string): Promise<Artifact> => {
    const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const uri = fileIn(task.folder, name);
    const stored = await world.store.put(uri, content, world.signal);
    files[name] = stored;
    return { uri, ...stored };
  };
  const etlt = await store(artifactFiles.etlt, await etltOf(opened, key));
  const cache = calibrated && (await store(artifactFiles.calibrationCache, calibrated.cache));
  const kept = calibrated && (await verificationTensor(opened, task.architecture, calibrated.kept));
  const verification = kept && (await store(artifactFiles.verification, kept));
  const texts = await makeReport(reportRequest(products, files, world));
  const report = await store(artifactFiles.report, texts.json);
  const page = await store(artifactFiles.reportPage, texts.page);
  const result: Exported = {
    kind: 'Exported',
    etlt: { ...etlt, inputNode: opened.input, outputNodes: opened.outputs },
    ...(cache && { calibrationCache: { ...cache, ...calibrationFacts(task.calibration!, calibrated) } }),
    ...(verification && { verification }),
    report: { uri: report.uri, pageUri: page.uri },
    reused: false,
  };
  const manifest: Manifest = {
    formatVersion: 1,
    key: task.exportKey,
    inputs,
    files,
    result,
    notes: howToOpen,
  };
  await world.store.put(
    fileIn(task.folder, artifactFiles.manifest),
    Buffer.from(`${canonicalJson(manifest)}\n`),
    world.signal,
  );
  return result;
};

const calibrationFacts = ({ algorithm, batches }: CalibrationTask, { scales, statistics }: Calibrated) => ({
  algorithm: algorithm as Algorithm,
  tensors: scales.size,
  batches,
  images: statistics.images,
});

const howToOpen = [
  'tail -c +5 model.etlt | age --decrypt > model.onnx   # asks for the key',
  'calibration.cache is the text that TensorRT up to 10.x reads (trtexec --int8 --calib=calibration.cache)',
] as const;

/** `files` are those stored so far: the report cannot list itself. */
const reportRequest = (
  { task, opened, calibration }: Products,
  files: Readonly<Record<string, { sha256: string; sizeBytes: number }>>,
  { clock }: TaskWorld,
): ReportRequest => ({
  architecture: task.architecture,
  dataType: task.dataType,
  source: task.model.uri,
  opened,
  calibration,
  files: Object.entries(files).map(([name, { sha256: digest, sizeBytes }]) => ({
    name,
    sha256: digest,
    sizeBytes,
  })),
  notes: [],
  clock,
});
