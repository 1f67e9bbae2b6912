/** The Job that samples training data into a tensorfile. */

import { artifactFiles, fileIn, mounts, tensorfileFolder } from '../../ground/contract/layout.ts';
import type { TensorfileTask } from '../../ground/contract/task.ts';
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import { makeSpecVolume, toSpecSource } from './experiment-spec.ts';
import { type Images, workerProgram } from './images.ts';
import { deadlineSecondsOf, type JobDraft, makeJob } from './job.ts';
import { computeTensorfileKey } from './keys.ts';
import { containerDefaults, joinVolumes, makeDiskVolume, makeStorageVolumes, type Volumes } from './pod.ts';
import { completeResources } from './resources.ts';
import { makeS3Access } from './s3.ts';

/** The Job of a CalibrationTensorfile. */
export const makeTensorfileJob = (owner: CalibrationTensorfile, images: Images): JobDraft => {
  const planned = makeTensorfileTask(owner);
  const s3 = makeS3Access(owner.spec.s3, [...listInputs(owner), planned.folder]);
  const task = { ...planned, ...s3.task };
  const { volumes, mounts: volumeMounts } = joinVolumes(makeTensorfileVolumes(owner, task), s3.volumes);
  const { resources: asked, placement = {} } = owner.spec.jobs?.tensorfile ?? {};
  const deadlineSeconds = deadlineSecondsOf(owner.spec.jobs?.tensorfile);
  const container = {
    name: 'tensorfile',
    image: images.worker,
    command: ['node', workerProgram, 'tensorfile', '--task', JSON.stringify(task)],
    resources: s3.enlarge(completeResources('tensorfile', asked)),
    volumeMounts,
    ...containerDefaults,
  };
  return makeJob(
    owner,
    { stage: 'tensorfile', key: task.tensorfileKey, folder: task.folder },
    { containers: [container], volumes, placement, deadlineSeconds, pullSecrets: images.pullSecrets },
  );
};

/** Our code writes nothing there; libraries may. */
const temporarySize = '256Mi';

/** The task that the tensorfile container receives. */
export const makeTensorfileTask = (owner: CalibrationTensorfile): TensorfileTask => {
  const { architecture, maxBatches, useValidationSet, seed, maxBrokenPercent, ...spec } = owner.spec;
  const key = computeTensorfileKey(owner);
  return {
    architecture,
    experimentSpec: toSpecSource(spec.experimentSpec),
    dataRoot: spec.dataRoot,
    maxBatches,
    useValidationSet,
    seed,
    ...(maxBrokenPercent !== undefined && { maxBrokenPercent }),
    tensorfileKey: key,
    folder: tensorfileFolder(spec.output.uri, key),
  };
};

const listInputs = ({ spec }: CalibrationTensorfile): readonly string[] =>
  [spec.dataRoot, spec.experimentSpec].flatMap(({ uri }) => uri ?? []);

const makeTensorfileVolumes = (owner: CalibrationTensorfile, { folder }: TensorfileTask): Volumes =>
  joinVolumes(
    makeStorageVolumes(listInputs(owner), [fileIn(folder, artifactFiles.manifest)]),
    makeSpecVolume(owner.spec.experimentSpec.configMapKeyRef),
    makeDiskVolume('temporary', mounts.temporary, temporarySize),
  );
