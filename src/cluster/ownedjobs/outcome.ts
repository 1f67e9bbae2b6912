/** How an attempt at an artifact ended, for metrics and the log. Pure. */
import type { Exported, Result, Stage } from '../../ground/contract/result.ts';
import type { JobFailure } from './ledger.ts';
import type { JobFailureReason, ObservedJob } from './observed-job.ts';

/** How a Job ended. */
export type Outcome = {
  readonly stage: Stage;
  /** Undefined for an artifact that all classes share. */
  readonly deviceClass: string | undefined;
  /** Name of the Job. */
  readonly job: string;
  /** `Stored`, or why the attempt failed. */
  readonly reason: 'Stored' | JobFailureReason;
  /** Whether the pod reused a stored artifact. */
  readonly reused: boolean;
  /** The pass over the calibration images of this attempt; undefined if there was none. */
  readonly pass: Exported['calibrationPass'];
  /** Seconds from the creation of the Job until its pod started; undefined if the start was not observed. */
  readonly waitSeconds: number | undefined;
  /** Run time of the pod in seconds; undefined if its start was not observed. */
  readonly runSeconds: number | undefined;
};

/** The outcome of a successful Job. */
export const succeed = (job: ObservedJob, result: Exclude<Result, { kind: 'Failed' }>): Outcome => ({
  ...describeJob(job, job.finishedAtMs),
  reason: 'Stored',
  reused: result.reused,
  // A reused result has the pass of the attempt that stored it.
  pass:
    (result.kind === 'Exported' || result.kind === 'Counted') && !result.reused
      ? result.calibrationPass
      : undefined,
});

/** The outcome of a failed Job. */
export const fail = (job: ObservedJob, { reason, atMs }: JobFailure): Outcome => ({
  ...describeJob(job, atMs),
  reason,
  reused: false,
  pass: undefined,
});

const describeJob = (
  { stage, deviceClass, name, createdAtMs, startedAtMs }: ObservedJob,
  endedAtMs: number | undefined,
) => ({
  stage,
  deviceClass,
  job: name,
  waitSeconds: secondsBetween(createdAtMs, startedAtMs),
  runSeconds: secondsBetween(startedAtMs, endedAtMs),
});

/** Clocks of nodes differ, so an interval is never negative. */
const secondsBetween = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.max(0, to - from) / 1000;
