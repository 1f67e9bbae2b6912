/** Summarises the stages for the conditions Ready, Reconciling and Stalled. Pure. */
import type { Reason } from '../api/reasons.ts';
import { explainJobWait, type JobWait } from '../ownedjobs/job-wait.ts';
import { type Summary, suspended } from '../ownedjobs/summary.ts';
import type { EngineStage } from './engine-stage.ts';
import type { ObservedExport } from './observed.ts';
import type { Stages } from './stages.ts';

/** The summary by the first rule that applies. */
export const summarise = (observed: ObservedExport, stages: Stages): Summary =>
  summariseReady(stages) ??
  summariseExportFailure(stages) ??
  summariseSuspension(observed, stages) ??
  summariseFailFast(observed, stages) ??
  summariseExport(stages) ??
  summariseEngines(stages);

const summariseReady = ({ exported, engines }: Stages): Summary | undefined =>
  exported.state.kind === 'Exported' && engines.every(({ state }) => state.kind === 'Built')
    ? {
        kind: 'Ready',
        reason: 'Ready',
        message: `exported, and ${engines.length} of ${engines.length} engines built`,
      }
    : undefined;

const summariseExportFailure = ({ exported: { state } }: Stages): Summary | undefined =>
  state.kind === 'Failed'
    ? { kind: 'Stalled', reason: state.reason, message: `export failed: ${state.message}` }
    : undefined;

const summariseSuspension = ({ modelExport }: ObservedExport, stages: Stages): Summary | undefined => {
  if (!modelExport.spec.suspend) return undefined;
  const running = listJobs(stages).filter(({ state }) => state.kind !== 'Active' || !state.suspended);
  return running.length === 0
    ? suspended
    : { kind: 'Reconciling', reason: 'Suspending', message: `${running.length} Jobs are being suspended` };
};

const listJobs = ({ exported, engines }: Stages) =>
  [exported, ...engines].flatMap(({ state }) => ('job' in state && 'uid' in state.job ? [state.job] : []));

/** With FailFast, a failed engine is reported instead of an export that does not start. */
const summariseFailFast = ({ modelExport }: ObservedExport, stages: Stages): Summary | undefined => {
  const isRefused =
    modelExport.spec.failurePolicy === 'FailFast' &&
    stages.engines.some(({ state }) => state.kind === 'Failed');
  return isRefused && stages.exported.state.kind === 'ToExport' ? summariseEngines(stages) : undefined;
};

const summariseExport = ({ exported: { state, countingPods } }: Stages): Summary | undefined => {
  if (state.kind === 'Exported') return undefined;
  if (state.kind === 'Waiting' || state.kind === 'Failed')
    return { kind: 'Reconciling', reason: state.reason, message: `export waits: ${state.message}` };
  const doing = state.kind === 'Exporting' ? explainJobWait(state.job) : undefined;
  if (doing) return { kind: 'Reconciling', reason: doing.reason, message: `export waits: ${doing.message}` };
  return countingPods === undefined
    ? { kind: 'Reconciling', reason: 'Exporting', message: 'the model is being exported' }
    : {
        kind: 'Reconciling',
        reason: 'Calibrating',
        message: `${countingPods} pods count the calibration images`,
      };
};

/** Stalled only if nothing can continue without the user: a failed engine does not end the wait for other classes. */
const summariseEngines = ({ engines }: Stages): Summary => {
  const message = [describeBuilt(engines), ...engines.flatMap(describeProblem)].join('; ');
  if (engines.every(({ state }) => ['Built', 'Failed', 'Stopped'].includes(state.kind)))
    return { kind: 'Stalled', reason: 'EnginesFailed', message };
  return { kind: 'Reconciling', reason: chooseReason(engines), message };
};

/** BuildingEngines while one engine is being built; the message then lists the waits of the others. */
const chooseReason = (engines: readonly EngineStage[]): Reason => {
  const waits = engines.flatMap(({ state }) => findWait(state) ?? []);
  const active = engines.filter(({ state }) => ['Building', 'ToBuild'].includes(state.kind));
  const isBuilding = active.some(({ state }) => findWait(state) === undefined);
  return isBuilding ? 'BuildingEngines' : (waits[0]?.reason ?? 'BuildingEngines');
};

const findWait = (state: EngineStage['state']): JobWait | undefined => {
  if (state.kind === 'Waiting') return state;
  return state.kind === 'Building' ? explainJobWait(state.job) : undefined;
};

/** For example "2 of 3 engines built". */
export const describeBuilt = (engines: readonly EngineStage[]): string =>
  `${countBuilt(engines)} of ${engines.length} engines built`;

/** Number of engines that are built for the current spec. */
export const countBuilt = (engines: readonly EngineStage[]): number =>
  engines.filter(({ state }) => state.kind === 'Built').length;

const describeProblem = ({ deviceClass, state }: EngineStage): readonly string[] => {
  if (state.kind === 'Failed') return [`${deviceClass} failed (${state.reason}): ${state.message}`];
  const wait = findWait(state);
  return wait ? [`${deviceClass} waits: ${wait.message}`] : [];
};
