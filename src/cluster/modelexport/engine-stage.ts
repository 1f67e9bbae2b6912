/** Where one device class's engine stands. Pure; every reason here is one that status can show. */

import { placed } from '../../ground/contract/artifact.ts';
import { backends, refusal } from '../../ground/contract/backends.ts';
import { engineFolder } from '../../ground/contract/layout.ts';
import type { EngineBuilt } from '../../ground/contract/result.ts';
import { retryOf } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import { type EnginePlan, engineIdentity, engineJob } from '../jobs/engine-job.ts';
import type { Job } from '../jobs/job.ts';
import { dataTypeOf } from '../jobs/keys.ts';
import type { Blocked, JobFailureReason, ObservedJob } from '../ownedjobs/observed-job.ts';
import type { ExportStage } from './export-stage.ts';
import type { Observed, ObservedClass } from './observed.ts';

type EngineStatus = NonNullable<NonNullable<ModelExport['status']>['engines']>[number];

/** What status keeps of a built engine; it stays while a newer one is being made. */
export type StoredEngine = Pick<
  EngineStatus,
  'key' | 'uri' | 'sha256' | 'sizeBytes' | 'runtime' | 'hardware' | 'latency' | 'agreement'
>;

export type WaitingReason =
  | 'WaitingForExport'
  | 'DeviceClassMissing'
  | 'BackendNotAvailable'
  | 'NoMatchingNode';

export type EngineState =
  | { readonly kind: 'Built' }
  | { readonly kind: 'Building'; readonly blocked?: Blocked }
  | { readonly kind: 'ToBuild'; readonly job: Job }
  | { readonly kind: 'Waiting'; readonly reason: WaitingReason; readonly message: string }
  | { readonly kind: 'Failed'; readonly reason: JobFailureReason; readonly message: string };

export type EngineStage = {
  readonly deviceClass: string;
  readonly jobName: string | undefined;
  readonly wantedKey: string | undefined;
  readonly attempts: number;
  readonly stored: StoredEngine | undefined;
  readonly state: EngineState;
};

export const engineStages = (observed: Observed, exported: ExportStage): readonly EngineStage[] =>
  observed.classes.map((observedClass) => engineStage(observed, exported, observedClass));

const engineStage = (
  observed: Observed,
  exported: ExportStage,
  observedClass: ObservedClass,
): EngineStage => {
  const deviceClass = observedClass.name;
  const previous = observed.modelExport.status?.engines?.find((engine) => engine.deviceClass === deviceClass);
  const unplanned = {
    deviceClass,
    jobName: undefined,
    wantedKey: undefined,
    attempts: previous?.attempts ?? 0,
    stored: storedOf(previous),
  };
  const waiting = whyNotPlanned(observed, exported, observedClass);
  if (waiting || exported.kind !== 'Exported') return { ...unplanned, state: waiting ?? waitingForExport };
  const plan = planOf(observed, observedClass, exported);
  const { name, key } = engineIdentity(plan);
  const job = observed.jobs.find((candidate) => candidate.name === name);
  const planned = {
    ...unplanned,
    jobName: name,
    wantedKey: key,
    attempts: job?.attempts ?? unplanned.attempts,
  };
  if (unplanned.stored?.key === key) return { ...planned, state: { kind: 'Built' } };
  if (!job)
    return { ...planned, state: whyNotStarted(observedClass) ?? { kind: 'ToBuild', job: engineJob(plan) } };
  const place = { key, folder: engineFolder(exported.artifacts.folder, deviceClass, key) };
  return { ...planned, ...judged(job, place, planned.stored) };
};

const planOf = (
  { modelExport, images }: Observed,
  { deviceClass }: ObservedClass,
  { artifacts }: Extract<ExportStage, { kind: 'Exported' }>,
): EnginePlan => ({
  owner: modelExport,
  deviceClass: deviceClass!,
  exported: artifacts,
  images,
  retry: retryOf(modelExport),
});

const waitingForExport = {
  kind: 'Waiting',
  reason: 'WaitingForExport',
  message: 'starts when the export is done',
} as const satisfies EngineState;

/** In order: each check may rely on every check above it having passed. */
const whyNotPlanned = (observed: Observed, exported: ExportStage, observedClass: ObservedClass) =>
  classMissing(observedClass) ??
  backendNotAvailable(observedClass) ??
  refused(observed.modelExport, observedClass) ??
  (exported.kind === 'Exported' ? undefined : waitingForExport);

const classMissing = ({ name, deviceClass }: ObservedClass): EngineState | undefined =>
  deviceClass
    ? undefined
    : {
        kind: 'Waiting',
        reason: 'DeviceClassMissing',
        message: `no ExportDeviceClass is named ${name}: create it`,
      };

const backendNotAvailable = ({ deviceClass }: ObservedClass): EngineState | undefined => {
  const backend = deviceClass!.spec.engine.backend;
  if (backends[backend].supported) return undefined;
  const message = `backend ${backend} is not built into this version: choose TensorRtRtx or OnnxRuntime, or wait for an upgrade`;
  return { kind: 'Waiting', reason: 'BackendNotAvailable', message };
};

const refused = ({ spec }: ModelExport, { name, deviceClass }: ObservedClass): EngineState | undefined => {
  const { backend, computeCapability } = deviceClass!.spec.engine;
  const message = refusal(backend, dataTypeOf(spec, name), computeCapability);
  return message === undefined ? undefined : { kind: 'Failed', reason: 'EngineUnsupported', message };
};

/** Nodes matter only for what is still to be started: an engine that is built stays built when its node goes. */
const whyNotStarted = ({ name, deviceClass, matchingNodes }: ObservedClass): EngineState | undefined => {
  if (matchingNodes > 0 || deviceClass?.spec.allowPending) return undefined;
  const message = `no ready node matches device class ${name}: add one, or mend the class's nodeSelector and hardware`;
  return { kind: 'Waiting', reason: 'NoMatchingNode', message };
};

const judged = (
  { state, hardware }: ObservedJob,
  place: EnginePlace,
  stored: StoredEngine | undefined,
): Pick<EngineStage, 'state' | 'stored'> => {
  switch (state.kind) {
    case 'Active':
      return { stored, state: { kind: 'Building', ...(state.blocked && { blocked: state.blocked }) } };
    case 'ResultUnknown':
      return { stored, state: { kind: 'Building' } };
    case 'Failed':
      return { stored, state: { kind: 'Failed', reason: state.reason, message: state.message } };
    default:
      return state.result.kind === 'EngineBuilt'
        ? { stored: engineOf(state.result, place, hardware), state: { kind: 'Built' } }
        : {
            stored,
            state: {
              kind: 'Failed',
              reason: 'Internal',
              message: 'the engine pod answered for another stage',
            },
          };
  }
};

/** The content key of an engine, and the folder that its task named. */
type EnginePlace = { readonly key: string; readonly folder: string };

const engineOf = (
  { engine, runtime, latency, agreement }: EngineBuilt,
  { key, folder }: EnginePlace,
  hardware: ObservedJob['hardware'],
) => ({
  key,
  ...placed(folder, engine),
  runtime,
  ...(hardware && { hardware }),
  ...(latency && { latency }),
  ...(agreement && { agreement }),
});

const storedOf = (previous: EngineStatus | undefined): StoredEngine | undefined => {
  if (previous?.uri === undefined) return undefined;
  const { key, uri, sha256, sizeBytes, runtime, hardware, latency, agreement } = previous;
  return {
    ...(key && { key }),
    uri,
    ...(sha256 && { sha256 }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(runtime && { runtime }),
    ...(hardware && { hardware }),
    ...(latency && { latency }),
    ...(agreement && { agreement }),
  };
};
