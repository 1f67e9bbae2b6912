/**
 * Decides what to do about one ModelExport. Pure: no clock, no cluster, no await. The same observation gives the same
 * decision.
 */
import type { ModelExportStatus } from '../api/model-export.ts';
import type { Job } from '../jobs/job.ts';
import { type Action, type Decision, nothing } from '../ownedjobs/action.ts';
import { computeRequeueMs, needsPods } from '../ownedjobs/artifact.ts';
import { isManagedByUs } from '../ownedjobs/managed-by.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';
import { holdProgress } from '../ownedjobs/running.ts';
import { isSameStatus, planStatusWrites } from '../ownedjobs/status-writes.ts';
import { isShortOfQuota, planDeletions, planSuspensions, type Upkeep } from '../ownedjobs/upkeep.ts';
import { assessEngines, type EngineState } from './engine-stage.ts';
import { makeChangeEvents } from './events.ts';
import { assessExport, type ExportState } from './export-stage.ts';
import { withoutFreshResults } from './join-results.ts';
import type { ObservedExport } from './observed.ts';
import type { Stages } from './stages.ts';
import { makeStatus } from './status.ts';

/** An action about a ModelExport. */
export type ExportAction = Action<ModelExportStatus>;

/** The actions, in the order in which they are performed. */
export const decide = (observed: ObservedExport): Decision<ModelExportStatus> => {
  const { modelExport, jobs, now } = observed;
  if (!isManagedByUs(modelExport)) return nothing;
  const exported = assessExport(observed);
  const stages = joinResults(observed, { exported, engines: assessEngines(observed, exported) });
  const keeps = (job: ObservedJob) => isKept(job, stages);
  const isShort = [exported, ...stages.engines].some(({ state }) => isShortOfQuota(state));
  const upkeep: Upkeep = { jobs, keeps, suspend: modelExport.spec.suspend, isShort };
  const held = holdProgress(makeStatus(observed, stages), modelExport.status, now);
  const next = held.status;
  const events = () => makeChangeEvents(modelExport, next);
  return {
    actions: [
      ...planStatusWrites({ before: modelExport.status, next, events, outcomes: listOutcomes(stages) }),
      ...planDeletions(upkeep),
      ...planCreations(observed, stages),
      ...planSuspensions(upkeep),
    ],
    requeueAfterMs: computeRequeueMs([exported, ...stages.engines, held], now),
    needsFreshPods: needsPods([exported, ...stages.engines]),
  };
};

/** Results wait for each other only while there is nothing else to write. */
const joinResults = (observed: ObservedExport, assessed: Stages): Stages => {
  const { modelExport, now } = observed;
  const held = withoutFreshResults(assessed, now);
  if (held === undefined) return assessed;
  const { status } = holdProgress(makeStatus(observed, held), modelExport.status, now);
  return isSameStatus(status, modelExport.status) ? held : assessed;
};

/**
 * Whether the spec still requests the artifact of this Job. While the requested key is unknown, every Job of the stage
 * is kept.
 */
const isKept = (job: ObservedJob, { exported, engines }: Stages): boolean => {
  const { state } = exported;
  if (state.kind === 'Waiting' && exported.ledger.wantedKey === undefined) return true;
  if (job.stage === 'export' || job.stage === 'calibration') return findJob(state)?.uid === job.uid;
  const engine = engines.find(({ deviceClass }) => deviceClass === job.deviceClass);
  if (engine?.state.kind === 'Waiting' && engine.state.reason === 'DeviceClassMissing') return true;
  return engine !== undefined && findJob(engine.state)?.uid === job.uid;
};

const findJob = (state: ExportState | EngineState): ObservedJob | undefined => {
  if (state.kind === 'Exporting' || state.kind === 'Building') return state.job;
  return state.kind === 'Exported' || state.kind === 'Built' ? state.verifies : undefined;
};

/** With FailFast, no export starts once an engine cannot be built. */
const planCreations = (
  { modelExport: { spec } }: ObservedExport,
  { exported, engines }: Stages,
): readonly ExportAction[] => {
  const isRefused = spec.failurePolicy === 'FailFast' && engines.some(({ state }) => state.kind === 'Failed');
  if (spec.suspend || isRefused) return [];
  const jobs = [
    ...listJobsToCreate(exported.state),
    ...engines.flatMap(({ state }) => listJobsToCreate(state)),
  ];
  return jobs.map((job) => ({ kind: 'CreateJob', job }));
};

const listJobsToCreate = (state: ExportState | EngineState): readonly Job[] => {
  if (state.kind === 'ToExport' || state.kind === 'ToBuild') return [state.job];
  if (state.kind === 'Exported' || state.kind === 'Built') return state.toVerify ? [state.toVerify] : [];
  return state.kind === 'Waiting' && state.retry ? [state.retry] : [];
};

const listOutcomes = ({ exported, engines }: Stages): readonly Outcome[] =>
  [exported, ...engines].flatMap(({ outcomes = [] }) => outcomes);
