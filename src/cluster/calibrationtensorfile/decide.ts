/** Observed → what to do, in order. Pure: no clock, no cluster, no await; may be asked any number of times. */
import { canonicalJson } from '../../ground/base/digest.ts';
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import type { Action as AnyAction, Decision as AnyDecision } from '../ownedjobs/action.ts';
import { eventsAbout, summarySteps } from '../ownedjobs/events.ts';
import { isOurs } from '../ownedjobs/managed-by.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { requeueAt } from '../ownedjobs/step.ts';
import { deletions, isShortOfQuota, suspensions } from '../ownedjobs/upkeep.ts';
import type { Observed } from './observed.ts';
import { type Stage, stageOf } from './stage.ts';
import { nextStatus } from './status.ts';

export type Action = AnyAction<CalibrationTensorfileStatus>;
export type Decision = AnyDecision<CalibrationTensorfileStatus>;

export const decide = (observed: Observed): Decision => {
  const { tensorfile, jobs, now } = observed;
  if (!isOurs(tensorfile)) return { actions: [], requeueAfterMs: undefined };
  const stage = stageOf(observed);
  const { state } = stage;
  const keeps = ({ uid }: ObservedJob) => state.kind === 'Writing' && state.job.uid === uid;
  const upkeep = { jobs, keeps, suspend: tensorfile.spec.suspend, isShort: isShortOfQuota(state) };
  return {
    actions: [
      ...statusWrites(tensorfile, nextStatus(observed, stage)),
      ...deletions(upkeep),
      ...creations(tensorfile, stage),
      ...suspensions(upkeep),
    ],
    requeueAfterMs: requeueAt([stage], now),
  };
};

const creations = ({ spec }: CalibrationTensorfile, { state }: Stage): readonly Action[] => {
  const job = state.kind === 'ToWrite' ? state.job : state.kind === 'Waiting' && state.retry;
  return job && !spec.suspend ? [{ kind: 'CreateJob', job }] : [];
};

/** Reasons of Reconciling that are the ordinary course of things. */
const progress: readonly string[] = ['WritingTensorfile', 'Queued'];

/** No write where nothing changed, and events only after the status that they are about. */
const statusWrites = (
  tensorfile: CalibrationTensorfile,
  status: CalibrationTensorfileStatus,
): readonly Action[] => {
  const { status: before } = tensorfile;
  if (canonicalJson(status) === canonicalJson(before)) return [];
  const steps = summarySteps(before?.conditions, status.conditions, progress);
  const events = eventsAbout(tensorfile, steps);
  return [
    { kind: 'WriteStatus', status },
    ...events.map((event) => ({ kind: 'PublishEvent', event }) as const),
  ];
};
