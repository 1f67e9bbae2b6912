/** What can be done for an object that owns Jobs; `apply.ts` does it. */

import type { Event } from '../../ground/observability/event.ts';
import type { Job } from '../jobs/job.ts';

export type Action<Status extends object> =
  | { readonly kind: 'DeleteJob'; readonly name: string; readonly uid: string }
  | { readonly kind: 'CreateJob'; readonly job: Job }
  | { readonly kind: 'SuspendJob'; readonly name: string; readonly suspend: boolean }
  | { readonly kind: 'WriteStatus'; readonly status: Status }
  | { readonly kind: 'PublishEvent'; readonly event: Event };

/** Actions in the order in which they are performed. */
export type Decision<Status extends object> = {
  readonly actions: readonly Action<Status>[];
  readonly requeueAfterMs: number | undefined;
};
