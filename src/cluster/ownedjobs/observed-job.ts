/** What decisions see of a Job: values only. */
import type { FailureReason } from '../../ground/base/failures.ts';
import type { Result, Stage } from '../../ground/contract/result.ts';
import type { Hardware } from '../deviceclass/hardware.ts';

/** Why a Job gave up; the first are a pod's own reasons. */
export type JobFailureReason =
  | FailureReason
  | 'DeadlineExceeded'
  | 'PodFailed'
  | 'ResultInvalid'
  /** The pod was evicted, preempted, or its node was drained or lost. */
  | 'Disrupted'
  | 'ResultLost';

export type JobState =
  /** Not started, or started and not finished; `blocked` says what its pod waits for. */
  | {
      readonly kind: 'Active';
      readonly suspended: boolean;
      readonly blocked?: Blocked;
      readonly earlyResult?: EarlyResult;
    }
  | { readonly kind: 'Succeeded'; readonly result: Exclude<Result, { kind: 'Failed' }> }
  /** Finished well, but the pod that knew the result is gone or not yet seen. */
  | { readonly kind: 'ResultUnknown'; readonly sinceMs: number }
  | { readonly kind: 'Failed'; readonly reason: JobFailureReason; readonly message: string };

/** What our containers left although the pod has not ended: a container that was injected into it still runs. */
export type EarlyResult = {
  readonly state: Extract<JobState, { kind: 'Succeeded' | 'Failed' }>;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
};

export type Blocked = { readonly reason: BlockedReason; readonly message: string };
export type BlockedReason =
  | 'KeySecretMissing'
  | 'SpecMissing'
  | 'ClaimMissing'
  | 'ImagePullFailed'
  | 'Unschedulable'
  | 'NodeLost'
  | 'PodRefused'
  | 'VolumeUnreachable'
  | 'VolumeInUse'
  | 'PodWaiting';

export type ObservedJob = {
  readonly name: string;
  readonly uid: string;
  readonly stage: Stage;
  readonly deviceClass: string | undefined;
  /** Which try for which content it is, and the hash of what it was made from. */
  readonly attempt: string | undefined;
  readonly template: string;
  readonly state: JobState;
  /** Milliseconds since the epoch: when the first container of its pod started, and when the Job ended. */
  readonly startedAtMs: number | undefined;
  readonly finishedAtMs: number | undefined;
  readonly node: string | undefined;
  readonly hardware: Hardware | undefined;
  /** Whether a queue admits it, which then suspends and resumes it alone. */
  readonly isQueued: boolean;
  readonly suspendedByUs: boolean;
};
