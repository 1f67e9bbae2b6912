/** Observed → what to do, in order. Pure: no clock, no cluster, no await; may be asked any number of times. */
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { unseen } from '../api/shared-schemas.ts';
import { canonicalJson } from '../base/digest.ts';
import type { Job } from '../jobs/job.ts';
import type { Event } from '../observability/event.ts';
import { engineStages } from './engine-stage.ts';
import { eventsBetween } from './events.ts';
import { exportStage } from './export-stage.ts';
import type { Observed, ObservedJob } from './observed.ts';
import type { Stages } from './stages.ts';
import { firstStatus, nextStatus } from './status.ts';

export type Action =
  | { readonly kind: 'DeleteJob'; readonly name: string; readonly uid: string }
  | { readonly kind: 'CreateJob'; readonly job: Job }
  | { readonly kind: 'SuspendJob'; readonly name: string; readonly suspend: boolean }
  | { readonly kind: 'WriteStatus'; readonly status: ModelExportStatus }
  | { readonly kind: 'PublishEvent'; readonly event: Event }
  | { readonly kind: 'ExpireJob'; readonly name: string };

export type Decision = { readonly actions: readonly Action[]; readonly requeueAfterMs: number | undefined };

/** How long a finished Job's pod may stay unseen before the Job is run again to learn its result. */
const resultGraceMs = 30_000;

export const decide = (observed: Observed): Decision => {
  const { modelExport } = observed;
  if (modelExport.metadata.deletionTimestamp) return { actions: [], requeueAfterMs: undefined };
  // The very first write tells every watcher that the object is in progress, before any Job exists.
  if ((modelExport.status?.observedGeneration ?? unseen.observedGeneration) < 0)
    return { actions: [{ kind: 'WriteStatus', status: firstStatus(observed) }], requeueAfterMs: undefined };
  const exported = exportStage(observed);
  const stages = { exported, engines: engineStages(observed, exported) };
  const status = nextStatus(observed, stages);
  return {
    actions: [
      ...deletions(observed, stages),
      ...creations(observed, stages),
      ...suspensions(observed, stages),
      ...statusWrites(modelExport, status),
      ...expiries(observed, stages),
    ],
    requeueAfterMs: nextLook(observed),
  };
};

const wantedNames = ({ exported, engines }: Stages): ReadonlySet<string> =>
  new Set([exported.jobName, ...engines.flatMap(({ jobName }) => jobName ?? [])]);

/** FailFast: one failure stops what still runs. */
const stopsEarly = ({ modelExport }: Observed, { engines }: Stages): boolean =>
  modelExport.spec.failurePolicy === 'FailFast' && engines.some(({ state }) => state.kind === 'Failed');

const deletions = (observed: Observed, stages: Stages): readonly Action[] => {
  const wanted = wantedNames(stages);
  const stops = stopsEarly(observed, stages);
  const goes = ({ name, state, expires }: ObservedJob): boolean => {
    if (!wanted.has(name)) return !expires;
    if (state.kind === 'ResultUnknown')
      return observed.now - state.sinceMs >= resultGraceMs && !known(name, stages);
    return stops && state.kind === 'Active';
  };
  return observed.jobs.filter(goes).map(({ name, uid }) => ({ kind: 'DeleteJob', name, uid }));
};

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

/** A Job that a queueing system admits is suspended and resumed by that system alone. */
const suspensions = ({ modelExport, jobs }: Observed, stages: Stages): readonly Action[] => {
  if (modelExport.spec.jobTemplate?.labels?.['kueue.x-k8s.io/queue-name'] !== undefined) return [];
  const wanted = wantedNames(stages);
  const { suspend } = modelExport.spec;
  return jobs
    .filter(({ name, state }) => wanted.has(name) && state.kind === 'Active' && state.suspended !== suspend)
    .map(({ name }) => ({ kind: 'SuspendJob', name, suspend }));
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

/** A finished Job may go by and by, but only once status holds its result. */
const expiries = ({ jobs }: Observed, stages: Stages): readonly Action[] =>
  jobs
    .filter(({ name, state, expires }) => state.kind === 'Succeeded' && !expires && known(name, stages))
    .map(({ name }) => ({ kind: 'ExpireJob', name }));

const nextLook = ({ jobs, now }: Observed): number | undefined => {
  const waits = jobs.flatMap(({ state }) =>
    state.kind === 'ResultUnknown' ? [Math.max(1000, state.sinceMs + resultGraceMs - now)] : [],
  );
  return waits.length === 0 ? undefined : Math.min(...waits);
};
