/** The stages as one sentence and one word: what Ready, Reconciling and Stalled are made of. Pure. */
import type { Reason } from '../api/reasons.ts';
import { type Doing, doingOf } from '../ownedjobs/doing.ts';
import type { EngineStage } from './engine-stage.ts';
import type { Observed } from './observed.ts';
import type { Stages } from './stages.ts';

export type Summary = {
  readonly kind: 'Ready' | 'Reconciling' | 'Stalled' | 'Suspended';
  readonly reason: Reason;
  readonly message: string;
};

export const summaryOf = (observed: Observed, stages: Stages): Summary =>
  allBuilt(stages) ??
  exportFailure(stages) ??
  suspended(observed, stages) ??
  refusedFirst(observed, stages) ??
  exportInProgress(stages) ??
  enginesSummary(stages);

const allBuilt = ({ exported, engines }: Stages): Summary | undefined =>
  exported.state.kind === 'Exported' && engines.every(({ state }) => state.kind === 'Built')
    ? {
        kind: 'Ready',
        reason: 'Ready',
        message: `exported, and ${engines.length} of ${engines.length} engines built`,
      }
    : undefined;

const exportFailure = ({ exported: { state } }: Stages): Summary | undefined =>
  state.kind === 'Failed'
    ? { kind: 'Stalled', reason: state.reason, message: `export failed: ${state.message}` }
    : undefined;

const suspended = ({ modelExport }: Observed, stages: Stages): Summary | undefined => {
  if (!modelExport.spec.suspend) return undefined;
  const running = jobsIn(stages).filter(({ state }) => state.kind !== 'Active' || !state.suspended);
  return running.length === 0
    ? { kind: 'Suspended', reason: 'Suspended', message: 'spec.suspend is true: set it to false to continue' }
    : { kind: 'Reconciling', reason: 'Suspending', message: `${running.length} Jobs are being suspended` };
};

const jobsIn = ({ exported, engines }: Stages) =>
  [exported, ...engines].flatMap(({ state }) => ('job' in state && 'uid' in state.job ? [state.job] : []));

/** FailFast: nothing is started for the sake of engines that will not be built. */
const refusedFirst = ({ modelExport }: Observed, stages: Stages): Summary | undefined => {
  const isRefused =
    modelExport.spec.failurePolicy === 'FailFast' &&
    stages.engines.some(({ state }) => state.kind === 'Failed');
  return isRefused && stages.exported.state.kind === 'ToExport' ? enginesSummary(stages) : undefined;
};

const exportInProgress = ({ exported: { state } }: Stages): Summary | undefined => {
  if (state.kind === 'Exported') return undefined;
  if (state.kind === 'Waiting' || state.kind === 'Failed')
    return { kind: 'Reconciling', reason: state.reason, message: `export waits: ${state.message}` };
  const doing = state.kind === 'Exporting' ? doingOf(state.job) : undefined;
  return {
    kind: 'Reconciling',
    reason: doing?.reason ?? 'Exporting',
    message: doing ? `export waits: ${doing.message}` : 'the model is being exported',
  };
};

/** Stalled only if nothing can start by itself: a failure does not cut short a wait for the other classes. */
const enginesSummary = ({ engines }: Stages): Summary => {
  const message = [builtOf(engines), ...engines.flatMap(troubleOf)].join('; ');
  if (engines.every(({ state }) => ['Built', 'Failed', 'Stopped'].includes(state.kind)))
    return { kind: 'Stalled', reason: 'EnginesFailed', message };
  return { kind: 'Reconciling', reason: reasonOf(engines), message };
};

/** As long as one engine is being built, the wait of another one is in the message. */
const reasonOf = (engines: readonly EngineStage[]): Reason => {
  const waits = engines.flatMap(({ state }) => waitOf(state) ?? []);
  const active = engines.filter(({ state }) => ['Building', 'ToBuild'].includes(state.kind));
  const isBuilding = active.some(({ state }) => waitOf(state) === undefined);
  return isBuilding ? 'BuildingEngines' : (waits[0]?.reason ?? 'BuildingEngines');
};

const waitOf = (state: EngineStage['state']): Doing | undefined => {
  if (state.kind === 'Waiting') return state;
  return state.kind === 'Building' ? doingOf(state.job) : undefined;
};

export const builtOf = (engines: readonly EngineStage[]): string =>
  `${engines.filter(({ state }) => state.kind === 'Built').length} of ${engines.length} engines built`;

const troubleOf = ({ deviceClass, state }: EngineStage): readonly string[] => {
  if (state.kind === 'Failed') return [`${deviceClass} failed (${state.reason}): ${state.message}`];
  const wait = waitOf(state);
  return wait ? [`${deviceClass} waits: ${wait.message}`] : [];
};
