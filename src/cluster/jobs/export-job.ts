/** The Job that exports and calibrates once, for all device classes. */

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

/** Where the same data are known again, and which images were left out of the pass. */
const keepsHistograms = ({ calibration }: ModelExport['spec']): boolean =>
  calibration?.source === 'ImageDirectory' || calibration?.source === 'Tensorfile';

/** A reference to a CalibrationTensorfile stands here by the file that it made. */
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

/** A codec is a program of the user's: what it leaves in the temporary folder may be a decrypted model. */
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
