/** The Job that samples training data into a tensorfile. */

import { artifactFiles, fileIn, mounts, tensorfileFolder } from '../../ground/contract/layout.ts';
import type { TensorfileTask } from '../../ground/contract/task.ts';
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import { specSource, specVolume } from './experiment-spec.ts';
import { type Images, workerProgram } from './images.ts';
import { deadlineSecondsOf, type JobDraft, job } from './job.ts';
import { tensorfileKey } from './keys.ts';
import { claimVolumes, containerDefaults, diskVolume, joined, type Volumes } from './pod.ts';
import { limited } from './resources.ts';

export const tensorfileJob = (owner: CalibrationTensorfile, images: Images): JobDraft => {
  const task = tensorfileTask(owner);
  const { volumes, mounts: volumeMounts } = tensorfileVolumes(owner, task);
  const { resources: asked, placement = {} } = owner.spec.jobs?.tensorfile ?? {};
  const deadlineSeconds = deadlineSecondsOf(owner.spec.jobs?.tensorfile);
  const container = {
    name: 'tensorfile',
    image: images.worker,
    command: ['node', workerProgram, 'tensorfile', '--task', JSON.stringify(task)],
    resources: limited('tensorfile', asked),
    volumeMounts,
    ...containerDefaults,
  };
  return job(
    owner,
    { stage: 'tensorfile', key: task.tensorfileKey, folder: task.folder },
    { containers: [container], volumes, placement, deadlineSeconds, pullSecrets: images.pullSecrets },
  );
};

/** Nothing of ours is kept there; libraries may. */
const temporarySize = '256Mi';

export const tensorfileTask = (owner: CalibrationTensorfile): TensorfileTask => {
  const { architecture, maxBatches, useValidationSet, seed, maxBrokenPercent, ...spec } = owner.spec;
  const key = tensorfileKey(owner);
  return {
    architecture,
    experimentSpec: specSource(spec.experimentSpec),
    dataRoot: spec.dataRoot,
    maxBatches,
    useValidationSet,
    seed,
    ...(maxBrokenPercent !== undefined && { maxBrokenPercent }),
    tensorfileKey: key,
    folder: tensorfileFolder(spec.output.uri, key),
  };
};

const tensorfileVolumes = ({ spec }: CalibrationTensorfile, { folder }: TensorfileTask): Volumes => {
  const read = [spec.dataRoot, spec.experimentSpec].flatMap(({ uri }) => uri ?? []);
  return joined(
    claimVolumes(read, [fileIn(folder, artifactFiles.manifest)]),
    specVolume(spec.experimentSpec.configMapKeyRef),
    diskVolume('temporary', mounts.temporary, temporarySize),
  );
};
