/**
 * Decides what to do about one CalibrationTensorfile. Pure: no clock, no cluster, no await. The same observation gives
 * the same decision.
 */
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import type { Job } from '../jobs/job.ts';
import { type Action, type Decision, nothing } from '../ownedjobs/action.ts';
import { computeRequeueMs, needsPods } from '../ownedjobs/artifact.ts';
import { draftSummaryEvents, makeEvents } from '../ownedjobs/events.ts';
import { isManagedByUs } from '../ownedjobs/managed-by.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { holdProgress } from '../ownedjobs/running.ts';
import { planStatusWrites } from '../ownedjobs/status-writes.ts';
import { isShortOfQuota, planDeletions, planSuspensions } from '../ownedjobs/upkeep.ts';
import type { ObservedTensorfile } from './observe.ts';
import { assessTensorfile, type TensorfileStage } from './stage.ts';
import { makeStatus } from './status.ts';

/** An action about a CalibrationTensorfile. */
export type TensorfileAction = Action<CalibrationTensorfileStatus>;

/** Reasons of Reconciling that are normal progress. */
const progress: readonly string[] = ['WritingTensorfile', 'Queued'];

/** The actions, in the order in which they are performed. */
export const decide = (observed: ObservedTensorfile): Decision<CalibrationTensorfileStatus> => {
  const { tensorfile, jobs, now } = observed;
  if (!isManagedByUs(tensorfile)) return nothing;
  const stage = assessTensorfile(observed);
  const { state } = stage;
  const job = state.kind === 'Writing' ? state.job : state.kind === 'Written' ? state.verifies : undefined;
  const keeps = ({ uid }: ObservedJob) => job?.uid === uid;
  const upkeep = { jobs, keeps, suspend: tensorfile.spec.suspend, isShort: isShortOfQuota(state) };
  const before = tensorfile.status;
  const held = holdProgress(makeStatus(observed, stage), before, now);
  const next = held.status;
  const events = () =>
    makeEvents(tensorfile, draftSummaryEvents(before?.conditions, next.conditions, progress));
  return {
    actions: [
      ...planStatusWrites({ before, next, events, outcomes: stage.outcomes ?? [] }),
      ...planDeletions(upkeep),
      ...planCreations(tensorfile, stage),
      ...planSuspensions(upkeep),
    ],
    requeueAfterMs: computeRequeueMs([stage, held], now),
    needsFreshPods: needsPods([stage]),
  };
};

const findJobToCreate = (state: TensorfileStage['state']): Job | undefined => {
  if (state.kind === 'ToWrite') return state.job;
  if (state.kind === 'Written') return state.toVerify;
  return state.kind === 'Waiting' ? state.retry : undefined;
};

const planCreations = (
  { spec }: CalibrationTensorfile,
  { state }: TensorfileStage,
): readonly TensorfileAction[] => {
  const job = findJobToCreate(state);
  return job && !spec.suspend ? [{ kind: 'CreateJob', job }] : [];
};
