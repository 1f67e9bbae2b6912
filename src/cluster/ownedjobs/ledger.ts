/** The ledger in status: which attempts count, what a failed Job adds, what a change of the spec keeps. Pure. */
import { labels } from '../api/labels.ts';
import { type Attempt, failureMessageLimit, type Ledger } from '../api/ledger.ts';
import { formatTime } from '../api/times.ts';
import type { Job } from '../jobs/job.ts';
import type { JobFailureReason, ObservedJob } from './observed-job.ts';

type WantedArtifact = {
  readonly key: string /** Called only if attempts are recorded. */;
  readonly template: () => string;
  readonly isRetryRequested: boolean;
};

/**
 * The attempts that count against a new one. Failures of another key or template, or before a request to retry, do not.
 */
export const filterAttempts = (
  { wantedKey, attempts = [] }: Ledger,
  { key, template, isRetryRequested }: WantedArtifact,
): readonly Attempt[] =>
  wantedKey === key && !isRetryRequested && attempts.length > 0 && attempts.at(-1)?.template === template()
    ? attempts
    : [];

/** Why and when a Job failed; `atMs` in milliseconds since the epoch. */
export type JobFailure = {
  readonly reason: JobFailureReason;
  readonly message: string;
  readonly atMs: number;
};

/** The entry of a failed Job in the ledger. */
export const makeAttempt = (
  job: ObservedJob,
  { reason, message, atMs }: JobFailure,
  number: number,
): Attempt => ({
  number,
  job: job.name,
  jobUid: job.uid,
  template: job.template,
  reason,
  message: message.slice(0, failureMessageLimit),
  ...(job.node !== undefined && { node: job.node }),
  finishedAt: formatTime(atMs),
});

/** The attempt of a Job that the apiserver rejected as invalid: after a restart, the create is not repeated. */
export const makeRefusedAttempt = (
  job: Job,
  { message, atMs }: Pick<JobFailure, 'message' | 'atMs'>,
  number: number,
): Attempt => ({
  number,
  job: job.metadata.name,
  template: job.metadata.labels[labels.template]!,
  reason: 'JobRefused',
  message: `Job ${job.metadata.name}: ${message}`.slice(0, failureMessageLimit),
  finishedAt: formatTime(atMs),
});

/** The ledger for the requested key, with the facts about earlier keys that stay. */
export const makeLedger = (
  { key }: { readonly key: string },
  before: Ledger,
  attempts: readonly Attempt[],
): Ledger => ({
  wantedKey: key,
  ...(attempts.length > 0 && { attempts: [...attempts] }),
  ...dropWantedKey(before),
});

/** The ledger while the requested key is unknown: no attempt counts. */
export const dropWantedKey = ({ lastFailure, verifiedRequest, startedAt, finishedAt }: Ledger): Ledger => ({
  ...(lastFailure && { lastFailure }),
  ...(verifiedRequest && { verifiedRequest }),
  ...(startedAt && { startedAt }),
  ...(finishedAt && { finishedAt }),
});
