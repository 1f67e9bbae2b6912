/** Why a Job is not running. */
import type { Reason } from '../api/reasons.ts';
import type { ObservedJob } from './observed-job.ts';

/** Reason and message for conditions. */
export type JobWait = { readonly reason: Reason; readonly message: string };

/** @returns undefined while the pod runs, and once the Job is finished */
export const explainJobWait = ({ name, state, suspendedByUs }: ObservedJob): JobWait | undefined => {
  if (state.kind !== 'Active') return undefined;
  if (!state.suspended) return state.blocked;
  return suspendedByUs
    ? { reason: 'Suspended', message: `Job ${name} is suspended` }
    : {
        reason: 'Queued',
        message: `Job ${name} was suspended by a queueing system or a user, who must resume it`,
      };
};
