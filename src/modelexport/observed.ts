/** Everything that a decision about one ModelExport may see. Values only: the same Observed, the same decision. */
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { FailureReason } from '../base/failures.ts';
import type { Result } from '../contract/result.ts';
import type { Images } from '../jobs/images.ts';
import type { Stage } from '../jobs/job.ts';

/** What a node is, as its labels tell. */
export type Hardware = NonNullable<
  NonNullable<NonNullable<ModelExport['status']>['engines']>[number]['hardware']
>;

/** Why a Job gave up when its pod could not say so itself. */
export type JobFailureReason = FailureReason | 'DeadlineExceeded' | 'OutOfMemory' | 'PodFailed';

export type JobState =
  /** Not started, or started and not finished; `blocked` says what its pod waits for. */
  | { readonly kind: 'Active'; readonly suspended: boolean; readonly blocked?: Blocked }
  | { readonly kind: 'Succeeded'; readonly result: Exclude<Result, { kind: 'Failed' }> }
  /** Finished well, but the pod that knew the result is gone or not yet seen. */
  | { readonly kind: 'ResultUnknown'; readonly sinceMs: number }
  | { readonly kind: 'Failed'; readonly reason: JobFailureReason; readonly message: string };

export type Blocked = { readonly reason: BlockedReason; readonly message: string };
export type BlockedReason =
  | 'KeySecretMissing'
  | 'ClaimMissing'
  | 'ImagePullFailed'
  | 'Unschedulable'
  | 'PodWaiting';

export type ObservedJob = {
  readonly name: string;
  readonly uid: string;
  readonly stage: Stage;
  readonly deviceClass: string | undefined;
  readonly state: JobState;
  readonly attempts: number;
  readonly hardware: Hardware | undefined;
  /** Whether it is already marked to be removed by and by. */
  readonly expires: boolean;
};

export type ObservedClass = {
  readonly name: string;
  /** Undefined while no ExportDeviceClass of that name exists. */
  readonly deviceClass: ExportDeviceClass | undefined;
  readonly matchingNodes: number;
};

export type Observed = {
  readonly modelExport: ModelExport;
  readonly classes: readonly ObservedClass[];
  readonly jobs: readonly ObservedJob[];
  readonly images: Images;
  /** Milliseconds since the epoch. */
  readonly now: number;
};
