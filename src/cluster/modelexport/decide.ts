/** Observed → what to do, in order. Pure: no clock, no cluster, no await; may be asked any number of times. */
import { canonicalJson } from '../../ground/base/digest.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import type { Job } from '../jobs/job.ts';
import type { Action as AnyAction, Decision as AnyDecision } from '../ownedjobs/action.ts';
import { isOurs } from '../ownedjobs/managed-by.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { requeueAt } from '../ownedjobs/step.ts';
import { deletions, isShortOfQuota, suspensions, type Upkeep } from '../ownedjobs/upkeep.ts';
import { type EngineState, engineStages } from './engine-stage.ts';
import { eventsBetween } from './events.ts';
import { type ExportState, exportStage } from './export-stage.ts';
import type { Observed } from './observed.ts';
import type { Stages } from './stages.ts';
import { nextStatus } from './status.ts';

export type Action = AnyAction<ModelExportStatus>;
export type Decision = AnyDecision<ModelExportStatus>;

export const decide = (observed: Observed): Decision => {
  const { modelExport, jobs, now } = observed;
  if (!isOurs(modelExport)) return { actions: [], requeueAfterMs: undefined };
  const exported = exportStage(observed);
  const stages = { exported, engines: engineStages(observed, exported) };
  const keeps = (job: ObservedJob) => isKept(job, stages);
  const isShort = [exported, ...stages.engines].some(({ state }) => isShortOfQuota(state));
  const upkeep: Upkeep = { jobs, keeps, suspend: modelExport.spec.suspend, isShort };
  return {
    actions: [
      ...statusWrites(modelExport, nextStatus(observed, stages)),
      ...deletions(upkeep),
      ...creations(observed, stages),
      ...suspensions(upkeep),
    ],
    requeueAfterMs: requeueAt([exported, ...stages.engines], now),
  };
};

/** While what is wanted is not known, nothing can be told apart, so every Job of that stage stays. */
const isKept = (job: ObservedJob, { exported, engines }: Stages): boolean => {
  const { state } = exported;
  if (state.kind === 'Waiting' && exported.ledger.wantedKey === undefined) return true;
  if (job.stage === 'export') return jobOf(state)?.uid === job.uid;
  const engine = engines.find(({ deviceClass }) => deviceClass === job.deviceClass);
  if (engine?.state.kind === 'Waiting' && engine.state.reason === 'DeviceClassMissing') return true;
  return engine !== undefined && jobOf(engine.state)?.uid === job.uid;
};

const jobOf = (state: ExportState | EngineState): ObservedJob | undefined => {
  if (state.kind === 'Exporting' || state.kind === 'Building') return state.job;
  return state.kind === 'Exported' || state.kind === 'Built' ? state.verifies : undefined;
};

/** FailFast: the export is not started for engines that will not be built. */
const creations = ({ modelExport: { spec } }: Observed, { exported, engines }: Stages): readonly Action[] => {
  const isRefused = spec.failurePolicy === 'FailFast' && engines.some(({ state }) => state.kind === 'Failed');
  if (spec.suspend || isRefused) return [];
  const jobs = [...toMake(exported.state), ...engines.flatMap(({ state }) => toMake(state))];
  return jobs.map((job) => ({ kind: 'CreateJob', job }));
};

const toMake = (state: ExportState | EngineState): readonly Job[] => {
  if (state.kind === 'ToExport' || state.kind === 'ToBuild') return [state.job];
  if (state.kind === 'Exported' || state.kind === 'Built') return state.toVerify ? [state.toVerify] : [];
  return state.kind === 'Waiting' && state.retry ? [state.retry] : [];
};

/** No write where nothing changed, and events only after the status that they are about. */
const statusWrites = (modelExport: ModelExport, status: ModelExportStatus): readonly Action[] => {
  if (canonicalJson(status) === canonicalJson(modelExport.status)) return [];
  const events = eventsBetween(modelExport, status);
  return [
    { kind: 'WriteStatus', status },
    ...events.map((event) => ({ kind: 'PublishEvent', event }) as const),
  ];
};
