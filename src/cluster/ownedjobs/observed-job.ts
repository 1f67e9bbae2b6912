/** What decisions see of a Job: values only. */
import type { FailureReason } from '../../ground/base/failures.ts';
import type { Result, Stage } from '../../ground/contract/result.ts';
import type { Hardware } from '../deviceclass/hardware.ts';

/** Why a Job gave up; the first are a pod's own reasons. */
export type JobFailureReason = FailureReason | 'DeadlineExceeded' | 'PodFailed' | 'ResultInvalid';

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
  | 'SpecMissing'
  | 'ClaimMissing'
  | 'ImagePullFailed'
  | 'Unschedulable'
  | 'PodRefused'
  | 'VolumeUnreachable'
  | 'VolumeInUse'
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
