/** The state of the engine of one device class. Pure. All reasons are reasons of status. */
import { engineFolder } from '../../ground/contract/layout.ts';
import type { EngineBuilt } from '../../ground/contract/result.ts';
import type { Ledger } from '../api/ledger.ts';
import type { ModelExport } from '../api/model-export.ts';
import { computeEngineKey, type EngineJobInputs, isTrained, planEngineJob } from '../jobs/engine-job.ts';
import { findEngineRefusal } from '../jobs/engine-request.ts';
import type { Job } from '../jobs/job.ts';
import {
  type ArtifactPlan,
  type ArtifactState,
  assessArtifact,
  deadlineMsOf,
} from '../ownedjobs/artifact.ts';
import { findUnreachableVolume } from '../ownedjobs/claim-facts.ts';
import { dropWantedKey, makeLedger } from '../ownedjobs/ledger.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { describeObstruction, type Obstruction } from '../ownedjobs/obstruction.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';
import { requestedVerification, requestsRetry } from '../ownedjobs/request.ts';
import { claimPauseMs } from '../ownedjobs/start.ts';
import type { ExportStage, VerificationJobs } from './export-stage.ts';
import { toKnownPlan } from './known-plans.ts';
import type { ObservedClass, ObservedExport } from './observed.ts';
import {
  type EnginePlace,
  type EngineStatus,
  pickStoredEngine,
  type StoredEngine,
  toStoredEngine,
} from './stored-engine.ts';

/** Where one engine is. `retry` is a rejected Job whose next create is due. */
export type EngineState =
  | ({ readonly kind: 'Built' } & VerificationJobs)
  | { readonly kind: 'Building'; readonly job: ObservedJob }
  | { readonly kind: 'ToBuild'; readonly job: Job }
  | Obstruction
  /** Stopped by failurePolicy FailFast, because another class failed. */
  | { readonly kind: 'Stopped' };

/** One engine: what is stored, its state, and the attempts to record in status. */
export type EngineStage = {
  readonly deviceClass: string;
  readonly stored: StoredEngine | undefined;
  readonly state: EngineState;
  readonly ledger: Ledger;
  /** When time alone changes the state, in milliseconds since the epoch. */
  readonly lookAtMs?: number;
  readonly outcomes?: readonly Outcome[];
  readonly needsFreshPods?: true;
  /** Of an engine that was built since the status was written: the stage before its Job completed. */
  readonly unwritten?: { readonly stage: EngineStage; readonly builtAtMs: number };
};

/** The state of every engine, in the order of spec.deviceClasses. */
export const assessEngines = (observed: ObservedExport, exported: ExportStage): readonly EngineStage[] => {
  const stages = observed.classes.map((observedClass) => assessEngine(observed, exported, observedClass));
  const stops =
    observed.modelExport.spec.failurePolicy === 'FailFast' &&
    stages.some(({ state }) => state.kind === 'Failed');
  return stops ? stages.map(stopStage) : stages;
};

const stopStage = (stage: EngineStage): EngineStage =>
  ['Built', 'Failed'].includes(stage.state.kind) ? stage : { ...stage, state: { kind: 'Stopped' } };

const assessEngine = (
  observed: ObservedExport,
  exported: ExportStage,
  observedClass: ObservedClass,
): EngineStage => {
  const deviceClass = observedClass.name;
  const before = observed.modelExport.status?.engines?.find(
    (engine) => engine.deviceClass === deviceClass,
  ) ?? {
    deviceClass,
  };
  const stored = pickStoredEngine(before);
  const unplanned = { deviceClass, stored, ledger: dropWantedKey(before) };
  if (observedClass.deviceClass === undefined) return assessWithoutClass(observed, unplanned, before);
  const refusedState = findRefusal(observed.modelExport, observedClass, exported);
  if (refusedState) return { ...unplanned, state: refusedState };
  if (exported.state.kind !== 'Exported') return { ...unplanned, state: waitingForExport };
  const { artifacts } = exported.state;
  const plan = toKnownPlan({
    owner: observed.modelExport,
    deviceClass: observedClass.deviceClass,
    exported: artifacts,
    images: observed.images,
  });
  const place = planPlace(plan);
  const artifact = planEngine(plan, place, before);
  const { state, ...rest } = assessArtifact(artifact, {
    before,
    jobs: observed.jobs,
    now: observed.now,
    obstacles: observed.obstacles,
    isRetryRequested: requestsRetry(observed.modelExport, deviceClass),
    verification: requestedVerification(observed.modelExport, deviceClass),
  });
  const assessed = {
    ...rest,
    ...(state.kind === 'Start'
      ? startEngine(state.job, observedClass, observed)
      : { state: toEngineState(state) }),
  };
  if (state.kind !== 'Made') return { deviceClass, stored, ...assessed };
  const building = { deviceClass, stored, ledger: makeLedger(artifact, before, before.attempts ?? []) };
  return {
    deviceClass,
    stored: toStoredEngine(state.result as EngineBuilt, place, state.job),
    ...assessed,
    ...(!artifact.isStored && unwrittenResult({ ...building, state: { kind: 'Building', job: state.job } })),
  };
};

const unwrittenResult = (stage: EngineStage): Pick<EngineStage, 'unwritten'> => {
  const builtAtMs = stage.state.kind === 'Building' ? stage.state.job.finishedAtMs : undefined;
  return builtAtMs === undefined ? {} : { unwritten: { stage, builtAtMs } };
};

/** The content key of an engine, and its folder. */
const planPlace = (plan: EngineJobInputs): EnginePlace => {
  const key = computeEngineKey(plan);
  return { key, folder: engineFolder(plan.exported.folder, plan.deviceClass.metadata.name, key) };
};

const planEngine = (
  plan: EngineJobInputs,
  { key, folder }: EnginePlace,
  before: EngineStatus,
): ArtifactPlan => ({
  stage: 'engine',
  deviceClass: plan.deviceClass.metadata.name,
  owner: plan.owner.metadata.name,
  key,
  folder,
  isStored: before.key === key && isInOutput(plan.owner.spec.output.uri, before.uri),
  ...planEngineJob(plan),
  deadlineMs: deadlineMsOf(plan.owner.spec.jobs?.engine),
});

/** Whether the engine is in the output folder. It may be in the folder of an earlier export of the same model. */
const isInOutput = (output: string, uri: string | undefined): boolean =>
  uri?.startsWith(`${output.replace(/\/+$/, '')}/`) === true;

const toEngineState = (state: Exclude<ArtifactState, { kind: 'Start' }>): EngineState => {
  switch (state.kind) {
    case 'Stored':
      return { ...state, kind: 'Built' };
    case 'Made':
      return { kind: 'Built' };
    case 'Running':
      return { kind: 'Building', job: state.job };
    default:
      return describeObstruction(state);
  }
};

const waitingForExport = {
  kind: 'Waiting',
  reason: 'WaitingForExport',
  message: 'starts when the export is complete',
} as const satisfies EngineState;

/**
 * An engine whose class was deleted stays built while nothing else that it depends on can have changed: the class may
 * be created again.
 */
const assessWithoutClass = (
  { modelExport: { metadata, status } }: ObservedExport,
  unplanned: Omit<EngineStage, 'state'>,
  { key, wantedKey }: EngineStatus,
): EngineStage => {
  const unchanged =
    key !== undefined && key === wantedKey && status?.observedGeneration === metadata.generation;
  if (unchanged)
    return { ...unplanned, ledger: { ...unplanned.ledger, wantedKey }, state: { kind: 'Built' } };
  const message = `ExportDeviceClass ${unplanned.deviceClass} does not exist: create it`;
  return { ...unplanned, state: { kind: 'Waiting', reason: 'DeviceClassMissing', message } };
};

/** Why no Job can build the engine. Checked before anything starts. */
const findRefusal = (
  { spec }: ModelExport,
  { deviceClass }: ObservedClass,
  { state }: ExportStage,
): EngineState | undefined => {
  const trained = state.kind === 'Exported' ? { isTrained: isTrained(state.artifacts) } : {};
  const refusal = findEngineRefusal({ spec, deviceClass: deviceClass!, ...trained });
  return refusal && { kind: 'Failed', reason: 'EngineUnsupported', message: refusal.message };
};

/** A class that may wait for nodes can get one that reaches the volume. */
const startEngine = (
  job: Job,
  observedClass: ObservedClass,
  { obstacles: { findClaim }, now }: ObservedExport,
): Pick<EngineStage, 'state' | 'lookAtMs'> => {
  const waiting = explainNotStarted(observedClass);
  if (waiting) return { state: waiting };
  const problem = observedClass.deviceClass?.spec.allowPending
    ? undefined
    : findUnreachableVolume(job, findClaim, observedClass.listNodes);
  return problem
    ? { state: { kind: 'Waiting', ...problem }, lookAtMs: now + claimPauseMs }
    : { state: { kind: 'ToBuild', job } };
};

/** Why the build does not start yet. A built engine stays built without nodes. */
const explainNotStarted = ({ name, deviceClass, matchingNodes }: ObservedClass): EngineState | undefined => {
  if (matchingNodes > 0 || deviceClass?.spec.allowPending) return undefined;
  const message = `no ready node matches device class ${name}: add one, or fix the class's nodeSelector and hardware`;
  return { kind: 'Waiting', reason: 'NoMatchingNode', message };
};
