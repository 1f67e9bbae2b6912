/** What has to be done about the Jobs that exist, whatever they make: delete, suspend, resume. Pure. */
import type { Action } from './action.ts';
import type { ObservedJob } from './observed-job.ts';

export type Upkeep = {
  readonly jobs: readonly ObservedJob[];
  /** Whether the present spec asks for what this Job makes. */
  readonly keeps: (job: ObservedJob) => boolean;
  readonly suspend: boolean;
};

/**
 * A Job that is finished is left to its time to live. One that a queue admits is not suspended, because the queue
 * would resume it: it is deleted, and queued again when the object is resumed.
 */
export const deletions = ({ jobs, keeps, suspend }: Upkeep): readonly Action<never>[] =>
  jobs
    .filter((job) => job.state.kind === 'Active' && (!keeps(job) || (suspend && job.isQueued)))
    .map(({ name, uid }) => ({ kind: 'DeleteJob', name, uid }));

/** Only what the operator suspended is resumed: any other suspended Job waits for whom suspended it. */
export const suspensions = ({ jobs, keeps, suspend }: Upkeep): readonly Action<never>[] =>
  jobs.filter(keeps).flatMap(({ name, state, isQueued, suspendedByUs }) => {
    if (state.kind !== 'Active' || isQueued) return [];
    const differs = suspend ? !state.suspended : state.suspended && suspendedByUs;
    return differs ? [{ kind: 'SuspendJob', name, suspend }] : [];
  });
