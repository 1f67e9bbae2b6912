/** What the plugin reads of Jobs and events, and of all objects of a ModelExport. */
import type { ModelExport } from '../api/model-export.ts';
import type { JobObject, PodObject } from '../ownedjobs/kube-shapes.ts';

/** batch/v1 Job. The caches of the operator keep no start time. */
export type JobView = Pick<JobObject, 'metadata' | 'spec'> & {
  readonly status?: JobObject['status'] & { readonly startTime?: string };
};

/** core/v1 Event. */
export type EventObject = {
  readonly involvedObject: { readonly kind?: string; readonly name?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly lastObservedTime?: string } | null;
};

/** The label with which the Job controller names the Job of a pod. */
export const jobNameLabel = 'batch.kubernetes.io/job-name';

/** What is known of a ModelExport. A list is undefined if the user may not read it. */
export type Facts = {
  readonly modelExport: ModelExport;
  readonly jobs: readonly JobView[] | undefined;
  readonly pods: readonly PodObject[] | undefined;
  /** Warnings of the namespace. */
  readonly warnings: readonly EventObject[] | undefined;
};
