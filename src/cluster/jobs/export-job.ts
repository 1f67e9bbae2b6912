/** The Job that exports and calibrates the model, once for all device classes. */

import {
  artifactFiles,
  exportFolder,
  fileIn,
  histogramPartFile,
  histogramPartsFolder,
  histogramsFile,
  mounts,
} from '../../ground/contract/layout.ts';
import type { CalibrationTask, ExportTask } from '../../ground/contract/task.ts';
import type { ModelExport } from '../api/model-export.ts';
import { makeSpecVolume, toSpecSource } from './experiment-spec.ts';
import type { Images } from './images.ts';
import { deadlineSecondsOf, type JobDraft, makeJob, type PodPlan } from './job.ts';
import { computeExportKey, computeHistogramsKey, computePartsKey, needsCalibration } from './keys.ts';
import {
  containerDefaults,
  joinVolumes,
  makeKeyVolume,
  makeMemoryVolume,
  makeStorageVolumes,
  type Volumes,
} from './pod.ts';
import { type CompleteResources, completeResources, computeMemoryShare } from './resources.ts';
import { makeS3Access } from './s3.ts';
import { placeWorker } from './worker-placement.ts';

/**
 * The Job of an export.
 * @param owner with the file of a CalibrationTensorfile in place of a reference to it
 */
export const makeExportJob = (owner: ModelExport, images: Images): JobDraft => {
  const task = makeExportTask(owner);
  const written = fileIn(task.folder, artifactFiles.manifest);
  return makeJob(
    owner,
    { stage: 'export', key: task.exportKey, folder: task.folder },
    makeWorkerPod(owner, { name: 'export', command: 'export', task, written, images }),
  );
};

/**
 * The Job whose pods count the calibration images in parts; undefined if one pod counts them all.
 * @param owner with the file of a CalibrationTensorfile in place of a reference to it
 */
export const makeCalibrationJob = (owner: ModelExport, images: Images): JobDraft | undefined => {
  const task = makeExportTask(owner);
  const { parts } = task;
  if (parts === undefined) return undefined;
  const written = histogramPartFile(parts.folder, { part: 1, of: parts.of });
  return makeJob(
    owner,
    { stage: 'calibration', key: computePartsKey(owner, parts.of), folder: parts.folder },
    {
      ...makeWorkerPod(owner, { name: 'calibrate', command: 'count', task, written, images }),
      parts: parts.of,
    },
  );
};

type WorkerContainer = {
  readonly name: string;
  readonly command: string;
  readonly task: ExportTask;
  /** URI of a file that the container writes. */
  readonly written: string;
  readonly images: Images;
};

/** A pod that opens the model and reads its calibration data. */
const makeWorkerPod = (
  owner: ModelExport,
  { name, command, task: planned, written, images }: WorkerContainer,
): PodPlan => {
  const s3 = makeS3Access(owner.spec.s3, [...listInputs(owner.spec, planned), written]);
  const task = { ...planned, ...s3.task };
  const place = placeWorker(owner.spec, images);
  const { resources: asked, placement = {} } = owner.spec.jobs?.export ?? {};
  const resources = s3.enlarge(completeResources('export', asked));
  const volumes = joinVolumes(
    makeExportVolumes(owner, { task, written, resources }),
    s3.volumes,
    place.volumes,
  );
  const container = {
    name,
    image: place.image,
    command: [...place.program, command, '--task', JSON.stringify(task)],
    ...(place.env && { env: place.env }),
    resources,
    volumeMounts: volumes.mounts,
    ...containerDefaults,
  };
  return {
    ...(place.initContainers && { initContainers: place.initContainers }),
    containers: [container],
    volumes: volumes.volumes,
    placement,
    deadlineSeconds: deadlineSecondsOf(owner.spec.jobs?.export),
    pullSecrets: images.pullSecrets,
  };
};

/** The task that the export container receives. */
export const makeExportTask = (owner: ModelExport): ExportTask => {
  const { spec } = owner;
  const key = computeExportKey(owner);
  const calibrates = needsCalibration(spec);
  return {
    architecture: spec.architecture,
    model: spec.model,
    dataType: calibrates ? 'int8' : spec.dataType,
    ...(calibrates && spec.calibration && { calibration: makeCalibrationTask(spec.calibration) }),
    forcePtq: spec.forcePtq,
    ...(spec.experimentSpec && { experimentSpec: toSpecSource(spec.experimentSpec) }),
    ...(spec.codec && { codec: { command: spec.codec.command } }),
    exportKey: key,
    ...(calibrates && keepsHistograms(spec) && makeHistogramsTask(owner)),
    folder: exportFolder(spec.output.uri, key),
  };
};

/** Number of pods that count the calibration images; undefined if the export pod counts them. */
export const countParts = (spec: ModelExport['spec']): number | undefined => {
  const { parallelism = 1 } = spec.calibration ?? {};
  return needsCalibration(spec) && keepsHistograms(spec) && parallelism > 1 ? parallelism : undefined;
};

const makeHistogramsTask = (owner: ModelExport): Pick<ExportTask, 'histograms' | 'parts'> => {
  const { uri } = owner.spec.output;
  const key = computeHistogramsKey(owner);
  const of = countParts(owner.spec);
  return {
    histograms: histogramsFile(uri, key),
    ...(of !== undefined && { parts: { of, folder: histogramPartsFolder(uri, key) } }),
  };
};

/** Histograms are reused where the calibration data can be recognized, and the images that were skipped are known. */
const keepsHistograms = ({ calibration }: ModelExport['spec']): boolean =>
  calibration?.source === 'ImageDirectory' || calibration?.source === 'Tensorfile';

/** The reference to a CalibrationTensorfile is already resolved to its file. */
const makeCalibrationTask = ({
  tensorfile,
  parallelism: _,
  ...calibration
}: NonNullable<ModelExport['spec']['calibration']>): CalibrationTask => {
  const { uri, sha256 } = tensorfile ?? {};
  return {
    ...calibration,
    ...(uri !== undefined && { tensorfile: { uri, ...(sha256 && { sha256 }) } }),
  };
};

const listInputs = (spec: ModelExport['spec'], task: ExportTask): readonly string[] => {
  const { imageDirectory, tensorfile, dataLoader } = task.calibration ?? {};
  const sources = [spec.model, imageDirectory, tensorfile, dataLoader?.dataRoot, spec.experimentSpec];
  return sources.flatMap((source) => source?.uri ?? []);
};

/** The temporary folder is in memory, because the program of a codec may write a decrypted model to it. */
const makeExportVolumes = (
  { spec }: ModelExport,
  {
    task,
    written,
    resources,
  }: Pick<WorkerContainer, 'task' | 'written'> & { readonly resources: CompleteResources },
): Volumes =>
  joinVolumes(
    makeStorageVolumes(listInputs(spec, task), [written]),
    makeKeyVolume(spec.keySecretRef),
    makeSpecVolume(spec.experimentSpec?.configMapKeyRef),
    makeMemoryVolume('temporary', mounts.temporary, computeMemoryShare(resources, 1 / 4)),
  );
