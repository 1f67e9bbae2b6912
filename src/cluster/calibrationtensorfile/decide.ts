/** Observed → what to do, in order. Pure: no clock, no cluster, no await; may be asked any number of times. */
import { canonicalJson } from '../../ground/base/digest.ts';
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import type { Job } from '../jobs/job.ts';
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
  const job = state.kind === 'Writing' ? state.job : state.kind === 'Written' ? state.verifies : undefined;
  const keeps = ({ uid }: ObservedJob) => job?.uid === uid;
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

const toMake = (state: Stage['state']): Job | undefined => {
  if (state.kind === 'ToWrite') return state.job;
  if (state.kind === 'Written') return state.toVerify;
  return state.kind === 'Waiting' ? state.retry : undefined;
};

const creations = ({ spec }: CalibrationTensorfile, { state }: Stage): readonly Action[] => {
  const job = toMake(state);
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
