/** Why a Job is not running, as reason and message; undefined while its pod runs. */
import type { Reason } from '../api/reasons.ts';
import type { ObservedJob } from './observed-job.ts';

export type JobWait = { readonly reason: Reason; readonly message: string };

export const explainJobWait = ({ name, state, suspendedByUs }: ObservedJob): JobWait | undefined => {
  if (state.kind !== 'Active') return undefined;
  if (!state.suspended) return state.blocked;
  return suspendedByUs
    ? { reason: 'Suspended', message: `Job ${name} is suspended` }
    : {
        reason: 'Queued',
        message: `Job ${name} was suspended by a queueing system or a user and must be resumed there`,
      };
};
