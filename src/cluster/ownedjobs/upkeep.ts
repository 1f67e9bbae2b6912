/** Which existing Jobs to delete, suspend and resume, for any kind of artifact. Pure. */
import type { Action } from './action.ts';
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
  jobs
    .filter((job) =>
      job.state.kind === 'Active' ? !keeps(job) || (suspend && job.isQueued) : isShort && !keeps(job),
    )
    .map(({ name, uid }) => ({ kind: 'DeleteJob', name, uid }));

/** Suspends and resumes active Jobs. A Job that someone else suspended is not resumed. */
export const planSuspensions = ({ jobs, keeps, suspend }: Upkeep): readonly Action<never>[] =>
  jobs.filter(keeps).flatMap(({ name, state, isQueued, suspendedByUs }) => {
    if (state.kind !== 'Active' || isQueued) return [];
    const differs = suspend ? !state.suspended : state.suspended && suspendedByUs;
    return differs ? [{ kind: 'SuspendJob', name, suspend }] : [];
  });
