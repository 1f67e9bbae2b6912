/** The Job that builds one engine for one device class: stage, build and publish run in one pod, in this order. */

import { remember } from '../../ground/base/remember.ts';
import type { ScaleOrigin } from '../../ground/contract/architectures.ts';
import type { Artifact } from '../../ground/contract/artifact.ts';
import type { Backend } from '../../ground/contract/backends.ts';
import {
  artifactFiles,
  engineFolder,
  fileIn,
  mounts,
  timingsFolder,
  workFiles,
} from '../../ground/contract/layout.ts';
import type { Int8Facts } from '../../ground/contract/result-schema.ts';
import type { EngineFacts, EngineTask, Source } from '../../ground/contract/task.ts';
import { makeEngineRequest, planEngine } from '../../ground/plans/engine-plan.ts';
import { devicesOf } from '../api/class-pods.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { hasStrictTypes, makeEngineFacts } from './engine-request.ts';
import { type Images, workerProgram } from './images.ts';
import { deadlineSecondsOf, type JobDraft, makeJob } from './job.ts';
import { hashEngineInputs } from './keys.ts';
import { makePlacement } from './placement.ts';
import {
  containerDefaults,
  joinVolumes,
  makeClaimVolumes,
  makeKeyVolume,
  makeMemoryVolume,
  makeReadOnly,
  type Volumes,
} from './pod.ts';
import { type CompleteResources, completeResources, computeMemoryShare } from './resources.ts';
import { makeS3Access } from './s3.ts';
import { type JobPlan, planJob } from './template.ts';

/** The artifacts of the export that engines are built from. */
export type ExportedArtifacts = {
  readonly folder: string;
  readonly etlt: Artifact & { readonly payloadDigest: string };
  readonly calibrationCache?: Artifact & { readonly int8?: Int8Facts; readonly algorithm?: ScaleOrigin };
  readonly distributions?: Artifact;
  readonly verification?: Artifact;
  readonly deployment?: Artifact;
  readonly codecEtlt?: Artifact;
};

/** What an engine depends on. */
export type EngineJobInputs = {
  readonly owner: ModelExport;
  readonly deviceClass: ExportDeviceClass;
  readonly exported: ExportedArtifacts;
  readonly images: Images;
};

/** The Job of one engine. */
export const makeEngineJob = (plan: EngineJobInputs): JobDraft => {
  const { owner, deviceClass, images } = plan;
  const planned = makeEngineTask(plan);
  const s3 = makeS3Access(owner.spec.s3, [planned.etlt.uri, planned.folder]);
  const task = { ...planned, ...s3.task };
  const taskArguments = ['--task', JSON.stringify(task)];
  const helper = completeResources('helper', owner.spec.jobs?.helpers?.resources);
  const resources = makeBuildResources(plan);
  const volumes = makeEngineVolumes(plan, task, { helper, build: resources, s3: s3.volumes });
  const ours = (name: string, mounted: Volumes) => ({
    name,
    image: images.worker,
    command: ['node', workerProgram, name, ...taskArguments],
    resources: s3.enlarge(helper),
    volumeMounts: mounted.mounts,
    ...containerDefaults,
  });
  const build = {
    name: 'build',
    image: task.image,
    command: makeBuildCommand(task.backend, taskArguments),
    resources,
    volumeMounts: volumes.build.mounts,
    ...containerDefaults,
  };
  return makeJob(
    owner,
    { stage: 'engine', key: task.engineKey, folder: task.folder, deviceClass: task.deviceClass },
    {
      initContainers: [ours('stage', volumes.stage), build],
      containers: [ours('publish', volumes.publish)],
      volumes: volumes.all.volumes,
      placement: makePlacement(deviceClass),
      deadlineSeconds: deadlineSecondsOf(owner.spec.jobs?.engine),
      pullSecrets: images.pullSecrets,
    },
  );
};

/** That Job, once for a plan. */
export const planEngineJob = remember((plan: EngineJobInputs): JobPlan => planJob(() => makeEngineJob(plan)));

type EngineVolumes = {
  readonly helper: CompleteResources;
  readonly build: CompleteResources;
  /** Of object storage. */
  readonly s3: Volumes;
};

/**
 * The volumes of each container. The image of `build` may be the user's: it has neither keys nor storage, and can
 * write only to the folder where `publish` expects the engine and to its own temporary folder.
 */
const makeEngineVolumes = (
  { owner }: EngineJobInputs,
  task: EngineTask,
  { helper, build, s3 }: EngineVolumes,
) => {
  const claims = makeClaimVolumes(
    [task.etlt.uri],
    [fileIn(task.folder, artifactFiles.manifest), ...(task.timings === undefined ? [] : [task.timings])],
  );
  const key = makeKeyVolume(owner.spec.keySecretRef);
  const work = makeMemoryVolume('work', mounts.work, computeMemoryShare(helper, 1 / 2));
  const built = makeMemoryVolume('built', mounts.built, computeMemoryShare(build, 1 / 4));
  const buildTemporary = makeMemoryVolume(
    'build-temporary',
    mounts.temporary,
    computeMemoryShare(build, 1 / 4),
  );
  const temporary = makeMemoryVolume('temporary', mounts.temporary, computeMemoryShare(helper, 1 / 4));
  return {
    stage: joinVolumes(makeReadOnly(claims), key, s3, work, temporary),
    build: joinVolumes(makeReadOnly(work), built, buildTemporary),
    publish: joinVolumes(claims, s3, makeReadOnly(work), makeReadOnly(built), temporary),
    all: joinVolumes(claims, key, s3, work, built, buildTemporary, temporary),
  };
};

/** The content key of an engine. */
export const computeEngineKey = remember(
  ({ owner, deviceClass, exported }: Omit<EngineJobInputs, 'images'>): string =>
    hashEngineInputs({
      spec: owner.spec,
      deviceClass,
      payloadDigest: exported.etlt.payloadDigest,
      calibrationCacheSha256: exported.calibrationCache?.sha256,
      ...(hasStrictTypes({ spec: owner.spec, deviceClass, isTrained: isTrained(exported) }) && {
        strictTypes: true,
      }),
      minAgreement: makeEngineFacts({ spec: owner.spec, deviceClass }).minAgreement,
      stored: findStoredKey({ owner, deviceClass }),
    }),
);

/** The key of the engine in status: all of status that its plan depends on. */
export const findStoredKey = ({
  owner,
  deviceClass,
}: Pick<EngineJobInputs, 'owner' | 'deviceClass'>): string | undefined =>
  owner.status?.engines?.find((engine) => engine.deviceClass === deviceClass.metadata.name)?.key;

/** Whether the scales of an export are those of quantisation-aware training. */
export const isTrained = ({ calibrationCache }: ExportedArtifacts): boolean =>
  calibrationCache?.algorithm === 'Trained';

/** The task that the containers of an engine pod receive. */
export const makeEngineTask = (plan: EngineJobInputs): EngineTask => {
  const { owner, deviceClass, exported } = plan;
  const name = deviceClass.metadata.name;
  const facts = makeEngineFacts({ spec: owner.spec, deviceClass, isTrained: isTrained(exported) });
  const key = computeEngineKey(plan);
  return {
    deviceClass: name,
    ...facts,
    etlt: toSource(exported.etlt),
    ...(facts.dataType === 'int8' &&
      exported.calibrationCache && { calibrationCache: toSource(exported.calibrationCache) }),
    ...(facts.dataType === 'int8' &&
      facts.backend === 'OnnxRuntime' &&
      exported.distributions && { distributions: toSource(exported.distributions) }),
    ...(exported.verification && { verification: toSource(exported.verification) }),
    ...(exported.deployment && { network: toSource(exported.deployment) }),
    ...(exported.codecEtlt && { encodedModel: exported.codecEtlt.uri }),
    image: chooseImage(plan),
    ...makeTimings(owner, facts, name),
    engineKey: key,
    folder: engineFolder(exported.folder, name, key),
  };
};

const chooseImage = ({ deviceClass, images }: EngineJobInputs): string => {
  const { image, backend } = deviceClass.spec.engine;
  return image ?? (backend === 'OnnxRuntime' ? images.worker : images.rtx);
};

/** The folder of timing caches, for builders that have them. */
const makeTimings = (
  { spec }: ModelExport,
  facts: EngineFacts,
  deviceClass: string,
): Pick<EngineTask, 'timings'> => {
  const { version } = facts.settings;
  const hasTimings = planEngine(makeEngineRequest(facts)).plan?.tensorRt?.timingCache === true;
  return hasTimings && version !== undefined
    ? { timings: timingsFolder(spec.output.uri, deviceClass, version) }
    : {};
};

const toSource = ({ uri, sha256 }: Artifact): Source => ({ uri, sha256 });

const makeBuildCommand = (backend: Backend, taskArguments: readonly string[]): readonly string[] =>
  backend === 'OnnxRuntime'
    ? ['node', workerProgram, 'build-onnxruntime', ...taskArguments]
    : ['python3', ...[workFiles.driver, workFiles.request].map((file) => `${mounts.work}/${file}`)];

/** The device request of the class is a limit, because extended resources cannot be overcommitted. */
const makeBuildResources = ({ owner, deviceClass }: EngineJobInputs): CompleteResources => {
  const { requests, limits } = completeResources('build', owner.spec.jobs?.engine?.resources);
  return { requests, limits: { ...limits, ...devicesOf(deviceClass.spec) } };
};
