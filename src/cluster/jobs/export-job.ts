/** The Job that exports and calibrates once, for all device classes. */

import { artifactFiles, exportFolder, fileIn, histogramsFile, mounts } from '../../ground/contract/layout.ts';
import type { CalibrationTask, ExportTask } from '../../ground/contract/task.ts';
import type { ModelExport } from '../api/model-export.ts';
import { specSource, specVolume } from './experiment-spec.ts';
import type { Images } from './images.ts';
import { deadlineSecondsOf, type JobDraft, job } from './job.ts';
import { exportKey, histogramsKey, needsCalibration } from './keys.ts';
import { claimVolumes, containerDefaults, joined, keyVolume, memoryVolume, type Volumes } from './pod.ts';
import { type Limited, limited, shareOfMemory } from './resources.ts';
import { workerPlace } from './worker-place.ts';

export const exportJob = (owner: ModelExport, images: Images): JobDraft => {
  const task = exportTask(owner);
  const place = workerPlace(owner.spec, images);
  const { resources: asked, placement = {} } = owner.spec.jobs?.export ?? {};
  const resources = limited('export', asked);
  const volumes = joined(exportVolumes(owner, task, resources), place.volumes);
  return job(
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

export const exportTask = (owner: ModelExport): ExportTask => {
  const { spec } = owner;
  const key = exportKey(owner);
  const calibrates = needsCalibration(spec);
  return {
    architecture: spec.architecture,
    model: spec.model,
    dataType: calibrates ? 'int8' : spec.dataType,
    ...(calibrates && spec.calibration && { calibration: calibrationTask(spec.calibration) }),
    forcePtq: spec.forcePtq,
    ...(spec.experimentSpec && { experimentSpec: specSource(spec.experimentSpec) }),
    ...(spec.codec && { codec: { command: spec.codec.command } }),
    exportKey: key,
    ...(calibrates &&
      keepsHistograms(spec) && { histograms: histogramsFile(spec.output.uri, histogramsKey(owner)) }),
    folder: exportFolder(spec.output.uri, key),
  };
};

/** Where the same data are known again, and which images were left out of the pass. */
const keepsHistograms = ({ calibration }: ModelExport['spec']): boolean =>
  calibration?.source === 'ImageDirectory' || calibration?.source === 'Tensorfile';

/** A reference to a CalibrationTensorfile stands here by the file that it made. */
const calibrationTask = ({
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
const exportVolumes = ({ spec }: ModelExport, task: ExportTask, resources: Limited): Volumes => {
  const { imageDirectory, tensorfile, dataLoader } = task.calibration ?? {};
  const sources = [spec.model, imageDirectory, tensorfile, dataLoader?.dataRoot, spec.experimentSpec];
  const read = sources.flatMap((source) => source?.uri ?? []);
  return joined(
    claimVolumes(read, [fileIn(task.folder, artifactFiles.manifest)]),
    keyVolume(spec.keySecretRef),
    specVolume(spec.experimentSpec?.configMapKeyRef),
    memoryVolume('temporary', mounts.temporary, shareOfMemory(resources, 1 / 4)),
  );
};
