/** Observed → what to do, in order. Pure: no clock, no cluster, no await; may be asked any number of times. */

import { canonicalJson } from '../../ground/base/digest.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { unseen } from '../api/shared-schemas.ts';
import type { Action as AnyAction, Decision as AnyDecision } from '../ownedjobs/action.ts';
import { deletions, expiries, nextLook, suspensions, type Upkeep } from '../ownedjobs/upkeep.ts';
import { engineStages } from './engine-stage.ts';
import { eventsBetween } from './events.ts';
import { exportStage } from './export-stage.ts';
import type { Observed } from './observed.ts';
import type { Stages } from './stages.ts';
import { firstStatus, nextStatus } from './status.ts';

export type Action = AnyAction<ModelExportStatus>;
export type Decision = AnyDecision<ModelExportStatus>;

export const decide = (observed: Observed): Decision => {
  const { modelExport } = observed;
  if (modelExport.metadata.deletionTimestamp) return { actions: [], requeueAfterMs: undefined };
  // The very first write tells every watcher that the object is in progress, before any Job exists.
  if ((modelExport.status?.observedGeneration ?? unseen.observedGeneration) < 0)
    return { actions: [{ kind: 'WriteStatus', status: firstStatus(observed) }], requeueAfterMs: undefined };
  const exported = exportStage(observed);
  const stages = { exported, engines: engineStages(observed, exported) };
  const status = nextStatus(observed, stages);
  const upkeep = upkeepOf(observed, stages);
  return {
    actions: [
      ...deletions(upkeep),
      ...creations(observed, stages),
      ...suspensions(upkeep),
      ...statusWrites(modelExport, status),
      ...expiries(upkeep),
    ],
    requeueAfterMs: nextLook(observed),
  };
};

const upkeepOf = (observed: Observed, stages: Stages): Upkeep => {
  const { jobs: carried, suspend } = observed.modelExport.spec;
  return {
    jobs: observed.jobs,
    now: observed.now,
    wanted: wantedNames(observed, stages),
    known: (name) => known(name, stages),
    stops: stopsEarly(observed, stages),
    suspend,
    labels: carried?.metadata?.labels,
  };
};

/** While the export waits for its tensorfile nothing can be told apart, so everything that is there stays. */
const wantedNames = ({ jobs }: Observed, { exported, engines }: Stages): ReadonlySet<string> =>
  exported.kind === 'Waiting'
    ? new Set(jobs.map(({ name }) => name))
    : new Set([exported, ...engines].flatMap(({ jobName }) => jobName ?? []));

/** FailFast: one failure stops what still runs. */
const stopsEarly = ({ modelExport }: Observed, { engines }: Stages): boolean =>
  modelExport.spec.failurePolicy === 'FailFast' && engines.some(({ state }) => state.kind === 'Failed');

/** Whether status already holds what the Job of this name was made for. */
const known = (name: string, { exported, engines }: Stages): boolean =>
  (exported.jobName === name && exported.kind === 'Exported') ||
  engines.some(({ jobName, state }) => jobName === name && state.kind === 'Built');

const creations = (observed: Observed, stages: Stages): readonly Action[] => {
  if (observed.modelExport.spec.suspend || stopsEarly(observed, stages)) return [];
  const { exported, engines } = stages;
  const jobs = [
    ...(exported.kind === 'ToExport' ? [exported.job] : []),
    ...engines.flatMap(({ state }) => (state.kind === 'ToBuild' ? [state.job] : [])),
  ];
  return jobs.map((job) => ({ kind: 'CreateJob', job }));
};

/** No write where nothing changed, and events only after the status that they tell of. */
const statusWrites = (modelExport: ModelExport, status: ModelExportStatus): readonly Action[] => {
  if (canonicalJson(status) === canonicalJson(modelExport.status)) return [];
  const events = eventsBetween(modelExport, status);
  return [
    { kind: 'WriteStatus', status },
    ...events.map((event) => ({ kind: 'PublishEvent', event }) as const),
  ];
};
