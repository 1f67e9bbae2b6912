/** Observed → what to do, in order. Pure: no clock, no cluster, no await; may be asked any number of times. */

import { canonicalJson } from '../../ground/base/digest.ts';
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import { unseen } from '../api/shared-schemas.ts';
import type { Action as AnyAction, Decision as AnyDecision } from '../ownedjobs/action.ts';
import { eventsAbout, summarySteps } from '../ownedjobs/events.ts';
import { deletions, expiries, nextLook, suspensions, type Upkeep } from '../ownedjobs/upkeep.ts';
import type { Observed } from './observed.ts';
import { type Stage, stageOf } from './stage.ts';
import { firstStatus, nextStatus } from './status.ts';

export type Action = AnyAction<CalibrationTensorfileStatus>;
export type Decision = AnyDecision<CalibrationTensorfileStatus>;

export const decide = (observed: Observed): Decision => {
  const { tensorfile } = observed;
  if (tensorfile.metadata.deletionTimestamp) return { actions: [], requeueAfterMs: undefined };
  // The very first write tells every watcher that the object is in progress, before any Job exists.
  if ((tensorfile.status?.observedGeneration ?? unseen.observedGeneration) < 0)
    return { actions: [{ kind: 'WriteStatus', status: firstStatus(observed) }], requeueAfterMs: undefined };
  const stage = stageOf(observed);
  const upkeep = upkeepOf(observed, stage);
  return {
    actions: [
      ...deletions(upkeep),
      ...creations(tensorfile, stage),
      ...suspensions(upkeep),
      ...statusWrites(tensorfile, nextStatus(observed, stage)),
      ...expiries(upkeep),
    ],
    requeueAfterMs: nextLook(observed),
  };
};

const upkeepOf = (observed: Observed, stage: Stage): Upkeep => {
  const { suspend, jobs: carried } = observed.tensorfile.spec;
  return {
    jobs: observed.jobs,
    now: observed.now,
    wanted: new Set([stage.jobName]),
    known: (name) => name === stage.jobName && stage.kind === 'Written',
    stops: false,
    suspend,
    labels: carried?.metadata?.labels,
  };
};

const creations = ({ spec }: CalibrationTensorfile, stage: Stage): readonly Action[] =>
  stage.kind === 'ToWrite' && !spec.suspend ? [{ kind: 'CreateJob', job: stage.job }] : [];

const ordinary = { quiet: ['Accepted'], normal: ['WritingTensorfile'] } as const;

/** No write where nothing changed, and events only after the status that they tell of. */
const statusWrites = (
  tensorfile: CalibrationTensorfile,
  status: CalibrationTensorfileStatus,
): readonly Action[] => {
  const { status: before } = tensorfile;
  if (canonicalJson(status) === canonicalJson(before)) return [];
  const steps = summarySteps(before?.conditions, status.conditions, ordinary);
  const events = eventsAbout(tensorfile, steps);
  return [
    { kind: 'WriteStatus', status },
    ...events.map((event) => ({ kind: 'PublishEvent', event }) as const),
  ];
};
