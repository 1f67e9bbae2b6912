/** The stages as one sentence and one word: what Ready, Reconciling and Stalled are made of. Pure. */
import type { Reason } from '../api/reasons.ts';
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
  suspended(observed) ??
  exportInProgress(stages) ??
  enginesSummary(observed, stages);

const allBuilt = ({ exported, engines }: Stages): Summary | undefined =>
  exported.kind === 'Exported' && engines.every(({ state }) => state.kind === 'Built')
    ? {
        kind: 'Ready',
        reason: 'Ready',
        message: `exported, and ${engines.length} of ${engines.length} engines built`,
      }
    : undefined;

const exportFailure = ({ exported }: Stages): Summary | undefined =>
  exported.kind === 'Failed'
    ? { kind: 'Stalled', reason: exported.reason, message: `export failed: ${exported.message}` }
    : undefined;

const suspended = ({ modelExport }: Observed): Summary | undefined =>
  modelExport.spec.suspend
    ? { kind: 'Suspended', reason: 'Suspended', message: 'spec.suspend is true: set it to false to go on' }
    : undefined;

const exportInProgress = ({ exported }: Stages): Summary | undefined => {
  if (exported.kind === 'Exported') return undefined;
  if (exported.kind === 'Waiting')
    return {
      kind: 'Reconciling',
      reason: exported.reason,
      message: `export waits: ${exported.message}`,
    };
  const blocked = exported.kind === 'Exporting' ? exported.blocked : undefined;
  return {
    kind: 'Reconciling',
    reason: blocked?.reason ?? 'Exporting',
    message: blocked ? `export waits: ${blocked.message}` : 'the model is being exported',
  };
};

/** A failure is told when nothing else is under way, so that it does not cut short a wait for the other classes. */
const enginesSummary = ({ modelExport }: Observed, { engines }: Stages): Summary => {
  const failed = engines.filter(({ state }) => state.kind === 'Failed');
  const active = engines.filter(({ state }) => state.kind === 'Building' || state.kind === 'ToBuild');
  const stops = modelExport.spec.failurePolicy === 'FailFast' || active.length === 0;
  const message = [builtOf(engines), ...engines.flatMap(troubleOf)].join('; ');
  if (failed.length > 0 && stops) return { kind: 'Stalled', reason: 'EnginesFailed', message };
  if (active.length > 0) {
    const blocked = active.every(({ state }) => state.kind === 'Building' && state.blocked);
    const first = active[0]!.state;
    const reason = blocked && first.kind === 'Building' ? first.blocked!.reason : 'BuildingEngines';
    return { kind: 'Reconciling', reason, message };
  }
  const waiting = engines.find(({ state }) => state.kind === 'Waiting')?.state;
  return {
    kind: 'Reconciling',
    reason: waiting?.kind === 'Waiting' ? waiting.reason : 'BuildingEngines',
    message,
  };
};

export const builtOf = (engines: readonly EngineStage[]): string =>
  `${engines.filter(({ state }) => state.kind === 'Built').length} of ${engines.length} engines built`;

const troubleOf = ({ deviceClass, state }: EngineStage): readonly string[] => {
  if (state.kind === 'Failed') return [`${deviceClass} failed (${state.reason}): ${state.message}`];
  if (state.kind === 'Waiting') return [`${deviceClass} waits: ${state.message}`];
  return state.kind === 'Building' && state.blocked ? [`${deviceClass} waits: ${state.blocked.message}`] : [];
};
