/** The actions that a decision about an owner of Jobs consists of. `apply.ts` performs them. */

import type { Event } from '../../ground/observability/event.ts';
import type { Job } from '../jobs/job.ts';
import type { ObservedJob } from './observed-job.ts';
import type { Outcome } from './outcome.ts';

/** An existing Job, and what it is for. */
export type NamedJob = Pick<ObservedJob, 'name' | 'uid' | 'stage' | 'deviceClass' | 'key'>;

/** One write to the apiserver. */
export type Action<Status extends object> =
  /** `why`: for the log. */
  | ({ readonly kind: 'DeleteJob'; readonly why: string } & NamedJob)
  | { readonly kind: 'CreateJob'; readonly job: Job }
  | ({ readonly kind: 'SuspendJob'; readonly suspend: boolean } & NamedJob)
  /** `outcomes`: what the status records for the first time. */
  | { readonly kind: 'WriteStatus'; readonly status: Status; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'PublishEvent'; readonly event: Event };

/** Actions in the order in which they are performed, and when to reconcile again without a change. */
export type Decision<Status extends object> = {
  readonly actions: readonly Action<Status>[];
  readonly requeueAfterMs: number | undefined;
  /** Whether a verdict by time needs the pods as the apiserver has them; until then, their Jobs count as running. */
  readonly needsFreshPods: boolean;
};

/** The decision about an object that another controller manages. */
export const nothing = {
  actions: [],
  requeueAfterMs: undefined,
  needsFreshPods: false,
} as const satisfies Decision<never>;
