/** The Job that exports and calibrates once, for all device classes. */
import type { ModelExport } from '../api/model-export.ts';
import { artifactFiles, exportFolder, fileIn, mounts } from '../contract/layout.ts';
import type { CalibrationTask, ExportTask } from '../contract/task.ts';
import { type Images, workerProgram } from './images.ts';
import { type Job, job } from './job.ts';
import { exportKey, needsCalibration } from './keys.ts';
import { jobName } from './names.ts';
import { claimVolumes, containerDefaults, joined, keyVolume, scratchVolume, type Volumes } from './pod.ts';

export const exportJob = (owner: ModelExport, images: Images, retry: string): Job => {
  const task = exportTask(owner);
  const volumes = exportVolumes(owner, task);
  return job(
    owner,
    { name: exportJobName(owner, retry), stage: 'export', key: task.exportKey },
    {
      containers: [
        {
          name: 'export',
          image: images.worker,
          command: ['node', workerProgram, 'export', '--task', JSON.stringify(task)],
          resources: owner.spec.jobTemplate?.exportResources ?? defaultResources,
          volumeMounts: volumes.mounts,
          ...containerDefaults,
        },
      ],
      volumes: volumes.volumes,
      placement: owner.spec.jobTemplate?.exportPlacement ?? {},
    },
  );
};

export const exportJobName = (owner: ModelExport, retry: string): string =>
  jobName(owner.metadata.name, { part: 'export', key: exportKey(owner), retry });

/** A request, not a limit: calibration uses the cores that are free, and memory by the model's largest activations. */
const defaultResources = { requests: { cpu: '500m', memory: '512Mi' } } as const;

export const exportTask = (owner: ModelExport): ExportTask => {
  const { spec } = owner;
  const key = exportKey(owner);
  const calibrates = needsCalibration(spec);
  return {
    architecture: spec.architecture,
    model: spec.model,
    dataType: calibrates ? 'int8' : spec.dataType,
    ...(calibrates && spec.calibration && { calibration: spec.calibration satisfies CalibrationTask }),
    forcePtq: spec.forcePtq,
    hasSpec: spec.experimentSpec !== undefined,
    exportKey: key,
    folder: exportFolder(spec.output.uri, key),
  };
};

const exportVolumes = ({ spec }: ModelExport, task: ExportTask): Volumes => {
  const { imageDirectory, tensorfile } = task.calibration ?? {};
  const read = [spec.model.uri, imageDirectory?.uri, tensorfile?.uri, spec.experimentSpec?.uri].filter(
    (uri) => uri !== undefined,
  );
  return joined(
    claimVolumes(read, [fileIn(task.folder, artifactFiles.manifest)]),
    keyVolume(spec.keySecretRef),
    specVolume(spec.experimentSpec?.configMapKeyRef),
    scratchVolume('temporary', mounts.temporary),
  );
};

const specVolume = (reference: { readonly name: string; readonly key: string } | undefined): Volumes => {
  if (reference === undefined) return { volumes: [], mounts: [] };
  const separator = mounts.specFile.lastIndexOf('/');
  const path = mounts.specFile.slice(separator + 1);
  return {
    volumes: [{ name: 'spec', configMap: { name: reference.name, items: [{ key: reference.key, path }] } }],
    mounts: [{ name: 'spec', mountPath: mounts.specFile.slice(0, separator), readOnly: true }],
  };
};
