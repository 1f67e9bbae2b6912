/** What has to be done about the Jobs that exist, whatever they make: delete, suspend, resume. Pure. */
import type { Action } from './action.ts';
import type { ObservedJob } from './observed-job.ts';

export type Upkeep = {
  readonly jobs: readonly ObservedJob[];
  /** Whether the present spec asks for what this Job makes. */
  readonly keeps: (job: ObservedJob) => boolean;
  readonly suspend: boolean;
  /** Whether a quota keeps another Job of this object from being made. */
  readonly isShort: boolean;
};

/** A quota may count finished Jobs, too. */
export const isShortOfQuota = (state: {
  readonly kind: string;
  readonly reason?: string;
  readonly message?: string;
}): boolean => state.reason === 'JobRefused' && state.message?.includes('quota') === true;

/**
 * A Job that is finished is left to its time to live, unless a quota counts it: status has what it came to. One that a queue admits is not suspended, because the queue
 * would resume it: it is deleted, and queued again when the object is resumed.
 */
export const planDeletions = ({ jobs, keeps, suspend, isShort }: Upkeep): readonly Action<never>[] =>
  jobs
    .filter((job) =>
      job.state.kind === 'Active' ? !keeps(job) || (suspend && job.isQueued) : isShort && !keeps(job),
    )
    .map(({ name, uid }) => ({ kind: 'DeleteJob', name, uid }));

/** Only what the operator suspended is resumed: any other suspended Job waits for whom suspended it. */
export const planSuspensions = ({ jobs, keeps, suspend }: Upkeep): readonly Action<never>[] =>
  jobs.filter(keeps).flatMap(({ name, state, isQueued, suspendedByUs }) => {
    if (state.kind !== 'Active' || isQueued) return [];
    const differs = suspend ? !state.suspended : state.suspended && suspendedByUs;
    return differs ? [{ kind: 'SuspendJob', name, suspend }] : [];
  });
