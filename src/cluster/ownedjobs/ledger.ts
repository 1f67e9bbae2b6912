/** Entries of the ledger in status: which attempts count, what a failed Job leaves, what outlives a change. Pure. */
import type { Attempt, Ledger } from '../api/ledger.ts';
import type { JobFailureReason, ObservedJob } from './observed-job.ts';
import { timestamp } from './times.ts';

type Wanted = { readonly key: string; readonly template: string; readonly forgiven: boolean };

/** Failures of another content, of another template, or that a request forgives, say nothing about the next try. */
export const attemptsThatCount = (
  { wantedKey, attempts = [] }: Ledger,
  { key, template, forgiven }: Wanted,
): readonly Attempt[] =>
  wantedKey === key && !forgiven && attempts.at(-1)?.template === template ? attempts : [];

export type Failure = { readonly reason: JobFailureReason; readonly message: string; readonly atMs: number };

export const entryOf = (job: ObservedJob, { reason, message, atMs }: Failure, number: number): Attempt => ({
  number,
  job: job.name,
  jobUid: job.uid,
  template: job.template,
  reason,
  message: message.slice(0, 1000),
  ...(job.node !== undefined && { node: job.node }),
  finishedAt: timestamp(atMs),
});

export const ledgerWith = (
  { key }: { readonly key: string },
  before: Ledger,
  attempts: readonly Attempt[],
): Ledger => ({
  wantedKey: key,
  ...(attempts.length > 0 && { attempts: [...attempts] }),
  ...withoutKey(before),
});

/** While what is wanted is not known, no attempt counts for it. */
export const withoutKey = ({ lastFailure, verifiedRequest, startedAt, finishedAt }: Ledger): Ledger => ({
  ...(lastFailure && { lastFailure }),
  ...(verifiedRequest && { verifiedRequest }),
  ...(startedAt && { startedAt }),
  ...(finishedAt && { finishedAt }),
});
