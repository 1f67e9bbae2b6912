/** The Job that exports and calibrates the model, once for all device classes. */

import { artifactFiles, exportFolder, fileIn, histogramsFile, mounts } from '../../ground/contract/layout.ts';
import type { CalibrationTask, ExportTask } from '../../ground/contract/task.ts';
import type { ModelExport } from '../api/model-export.ts';
import { makeSpecVolume, toSpecSource } from './experiment-spec.ts';
import type { Images } from './images.ts';
import { deadlineSecondsOf, type JobDraft, makeJob } from './job.ts';
import { computeExportKey, computeHistogramsKey, needsCalibration } from './keys.ts';
import {
  containerDefaults,
  joinVolumes,
  makeClaimVolumes,
  makeKeyVolume,
  makeMemoryVolume,
  type Volumes,
} from './pod.ts';
import { type CompleteResources, completeResources, computeMemoryShare } from './resources.ts';
import { placeWorker } from './worker-placement.ts';

/**
 * The Job of an export.
 * @param owner with the file of a CalibrationTensorfile in place of a reference to it
 */
export const makeExportJob = (owner: ModelExport, images: Images): JobDraft => {
  const task = makeExportTask(owner);
  const place = placeWorker(owner.spec, images);
  const { resources: asked, placement = {} } = owner.spec.jobs?.export ?? {};
  const resources = completeResources('export', asked);
  const volumes = joinVolumes(makeExportVolumes(owner, task, resources), place.volumes);
  return makeJob(
    owner,
    { stage: 'export', key: task.exportKey, folder: task.folder },
    {
      ...(place.initContainers && { initContainers: place.initContainers }),
      containers: [
        {
          name: 'export',
          image: place.image,
          command: [...place.program, 'export', '--task', JSON.stringify(task)],
          ...(place.env && { env: place.env }),
          resources,
          volumeMounts: volumes.mounts,
          ...containerDefaults,
        },
      ],
      volumes: volumes.volumes,
      placement,
      deadlineSeconds: deadlineSecondsOf(owner.spec.jobs?.export),
      pullSecrets: images.pullSecrets,
    },
  );
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
    ...(calibrates &&
      keepsHistograms(spec) && { histograms: histogramsFile(spec.output.uri, computeHistogramsKey(owner)) }),
    folder: exportFolder(spec.output.uri, key),
  };
};

/** Histograms are reused where the calibration data can be recognized, and the images that were skipped are known. */
const keepsHistograms = ({ calibration }: ModelExport['spec']): boolean =>
  calibration?.source === 'ImageDirectory' || calibration?.source === 'Tensorfile';

/** The reference to a CalibrationTensorfile is already resolved to its file. */
const makeCalibrationTask = ({
  tensorfile,
  ...calibration
}: NonNullable<ModelExport['spec']['calibration']>): CalibrationTask => {
  const { uri, sha256 } = tensorfile ?? {};
  return {
    ...calibration,
    ...(uri !== undefined && { tensorfile: { uri, ...(sha256 && { sha256 }) } }),
  };
};

/** The temporary folder is in memory, because the program of a codec may write a decrypted model to it. */
const makeExportVolumes = (
  { spec }: ModelExport,
  task: ExportTask,
  resources: CompleteResources,
): Volumes => {
  const { imageDirectory, tensorfile, dataLoader } = task.calibration ?? {};
  const sources = [spec.model, imageDirectory, tensorfile, dataLoader?.dataRoot, spec.experimentSpec];
  const read = sources.flatMap((source) => source?.uri ?? []);
  return joinVolumes(
    makeClaimVolumes(read, [fileIn(task.folder, artifactFiles.manifest)]),
    makeKeyVolume(spec.keySecretRef),
    makeSpecVolume(spec.experimentSpec?.configMapKeyRef),
    makeMemoryVolume('temporary', mounts.temporary, computeMemoryShare(resources, 1 / 4)),
  );
};
