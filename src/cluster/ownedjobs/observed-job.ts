/** A Job as decisions see it. */
import type { FailureReason } from '../../ground/base/failures.ts';
import type { ProgressReport } from '../../ground/contract/progress.ts';
import type { Result, Stage } from '../../ground/contract/result.ts';
import type { Hardware } from '../deviceclass/hardware.ts';

/** Why a Job failed: reported by its pod, or derived from Job and pod. */
export type JobFailureReason =
  | FailureReason
  | 'DeadlineExceeded'
  | 'PodFailed'
  | 'ResultInvalid'
  /** The pod was evicted, preempted, or its node was drained or lost. */
  | 'Disrupted'
  | 'ResultLost';

/** Where a Job is. */
export type JobState =
  /** Not finished. `blocked` is set while its pod cannot start. */
  | {
      readonly kind: 'Active';
      readonly suspended: boolean;
      readonly blocked?: Blocked;
      readonly earlyResult?: EarlyResult;
    }
  | { readonly kind: 'Succeeded'; readonly result: Exclude<Result, { kind: 'Failed' }> }
  /** Finished, but the pod with the result was deleted or is not cached yet; `otherwise` applies if the apiserver has no result either. */
  | { readonly kind: 'ResultUnknown'; readonly sinceMs: number; readonly otherwise: FailedJob }
  | FailedJob;

/** A Job that failed, and why. */
export type FailedJob = {
  readonly kind: 'Failed';
  readonly reason: JobFailureReason;
  readonly message: string;
};

/** The result of our own containers in a pod that has not ended, because an injected container still runs. */
export type EarlyResult = {
  readonly state: Extract<JobState, { kind: 'Succeeded' }> | FailedJob;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
};

/** Why a pod cannot start. */
export type Blocked = { readonly reason: BlockedReason; readonly message: string };
/** Reasons of waiting; see `api/reasons.ts`. */
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

/** A report of a pod, and when it was read, in milliseconds since the epoch. */
export type ReadReport = ProgressReport & { readonly readAtMs: number };

/** A Job with the facts of its pods. */
export type ObservedJob = {
  readonly name: string;
  readonly uid: string;
  readonly stage: Stage;
  readonly deviceClass: string | undefined;
  /** Content key of its artifact. */
  readonly key: string | undefined;
  /** Hash of the attempt. */
  readonly attempt: string | undefined;
  /** Hash of the template. */
  readonly template: string;
  readonly state: JobState;
  /** When the Job was created, in milliseconds since the epoch. */
  readonly createdAtMs: number | undefined;
  /** When the first container of its pod started, in milliseconds since the epoch. */
  readonly startedAtMs: number | undefined;
  /** When the Job finished, in milliseconds since the epoch. */
  readonly finishedAtMs: number | undefined;
  readonly node: string | undefined;
  readonly hardware: Hardware | undefined;
  /** What its newest pod reported last, if this process has read it. */
  readonly report: ReadReport | undefined;
  /** Whether a queue admits the Job; only the queue then suspends and resumes it. */
  readonly isQueued: boolean;
  /** Whether its pods were just read from the apiserver. A cache can be older by any time: a verdict by time does not rest on it. */
  readonly isConfirmed: boolean;
  readonly suspendedByUs: boolean;
};
