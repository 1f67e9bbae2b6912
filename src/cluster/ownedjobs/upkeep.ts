/** Which existing Jobs to delete, suspend and resume, for any kind of artifact. Pure. */
import type { Action, NamedJob } from './action.ts';
import type { ObservedJob } from './observed-job.ts';

/** The Jobs of one owner, and what the spec says about them. */
export type Upkeep = {
  readonly jobs: readonly ObservedJob[];
  /** Whether the current spec requests the artifact of this Job. */
  readonly keeps: (job: ObservedJob) => boolean;
  readonly suspend: boolean;
  /** Whether a quota rejected another Job of this object. */
  readonly isShort: boolean;
};

/** Whether a quota rejected the Job. A quota may count finished Jobs, too. */
export const isShortOfQuota = (state: {
  readonly kind: string;
  readonly reason?: string;
  readonly message?: string;
}): boolean => state.reason === 'JobRefused' && state.message?.includes('quota') === true;

/**
 * Deletes active Jobs that the spec no longer requests. A finished Job stays until its TTL, unless a quota counts it;
 * its result is in status. A Job of a queue is deleted instead of suspended, because the queue would resume it.
 */
export const planDeletions = ({ jobs, keeps, suspend, isShort }: Upkeep): readonly Action<never>[] =>
  jobs.flatMap((job) => {
    const why = explainDeletion(job, { keeps, suspend, isShort });
    return why === undefined ? [] : [{ kind: 'DeleteJob', why, ...nameJob(job) }];
  });

const explainDeletion = (
  job: ObservedJob,
  { keeps, suspend, isShort }: Omit<Upkeep, 'jobs'>,
): string | undefined => {
  if (job.state.kind !== 'Active')
    return isShort && !keeps(job) ? 'it has ended, and a quota counts it' : undefined;
  if (!keeps(job)) return 'the spec does not request it';
  return suspend && job.isQueued ? 'spec.suspend is true, and its queue would resume it' : undefined;
};

const nameJob = ({ name, uid, stage, deviceClass, key }: ObservedJob): NamedJob => ({
  name,
  uid,
  stage,
  deviceClass,
  key,
});

/** Suspends and resumes active Jobs. A Job that someone else suspended is not resumed. */
export const planSuspensions = ({ jobs, keeps, suspend }: Upkeep): readonly Action<never>[] =>
  jobs.filter(keeps).flatMap((job) => {
    const { state, isQueued, suspendedByUs } = job;
    if (state.kind !== 'Active' || isQueued) return [];
    const differs = suspend ? !state.suspended : state.suspended && suspendedByUs;
    return differs ? [{ kind: 'SuspendJob', suspend, ...nameJob(job) }] : [];
  });
