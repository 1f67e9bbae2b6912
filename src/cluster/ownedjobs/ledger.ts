/** Entries of the ledger in status: which attempts count, what a failed Job leaves, what outlives a change. Pure. */
import type { Attempt, Ledger } from '../api/ledger.ts';
import type { JobFailureReason, ObservedJob } from './observed-job.ts';
import { formatTime } from './times.ts';

type WantedArtifact = { readonly key: string; readonly template: string; readonly isRetryRequested: boolean };

/** Failures of another content, of another template, or that a request forgives, say nothing about the next try. */
export const filterAttempts = (
  { wantedKey, attempts = [] }: Ledger,
  { key, template, isRetryRequested }: WantedArtifact,
): readonly Attempt[] =>
  wantedKey === key && !isRetryRequested && attempts.at(-1)?.template === template ? attempts : [];

export type JobFailure = {
  readonly reason: JobFailureReason;
  readonly message: string;
  readonly atMs: number;
};

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
  message: message.slice(0, 1000),
  ...(job.node !== undefined && { node: job.node }),
  finishedAt: formatTime(atMs),
});

export const makeLedger = (
  { key }: { readonly key: string },
  before: Ledger,
  attempts: readonly Attempt[],
): Ledger => ({
  wantedKey: key,
  ...(attempts.length > 0 && { attempts: [...attempts] }),
  ...dropWantedKey(before),
});

/** While what is wanted is not known, no attempt counts for it. */
export const dropWantedKey = ({ lastFailure, verifiedRequest, startedAt, finishedAt }: Ledger): Ledger => ({
  ...(lastFailure && { lastFailure }),
  ...(verifiedRequest && { verifiedRequest }),
  ...(startedAt && { startedAt }),
  ...(finishedAt && { finishedAt }),
});
