/** What a failed attempt means: try again later, or stop until the user changes something. Pure. */
import { type FailureReason, failures } from '../../ground/base/failures.ts';
import type { Attempt } from '../api/ledger.ts';
import type { JobFailureReason } from './observed-job.ts';

/** Failures of a Job that no pod of ours reports by itself: whether another attempt can succeed. */
const jobFailures: Readonly<Record<Exclude<JobFailureReason, FailureReason>, 'never' | 'later'>> = {
  DeadlineExceeded: 'never',
  PodFailed: 'later',
  Disrupted: 'later',
  ResultLost: 'later',
  ResultInvalid: 'later',
};

/** Whether another attempt can succeed although nobody changes anything. */
export const isTransient = (reason: string): boolean =>
  (jobFailures as Readonly<Record<string, string>>)[reason] === 'later' ||
  (reason in failures && failures[reason as FailureReason].retry === 'later');

const minutes = 60_000;

/** After the n-th attempt; the last delay holds for all that follow. */
const delaysMs = [1 * minutes, 5 * minutes, 15 * minutes, 60 * minutes] as const;

/** The first attempt, four more in the first 81 minutes, and 22 more until a day is over. */
export const attemptsInADay = 27;

export type RetryDecision =
  /** Nothing failed, or the delay after the failure is over. */
  | { readonly kind: 'MayStart' }
  | { readonly kind: 'Later'; readonly atMs: number; readonly failure: Attempt }
  | { readonly kind: 'Never'; readonly failure: Attempt };

/** @param now milliseconds since the epoch */
export const decideRetry = (attempts: readonly Attempt[], now: number): RetryDecision => {
  const failure = attempts.at(-1);
  if (failure === undefined) return { kind: 'MayStart' };
  if (!isTransient(failure.reason) || failure.number >= attemptsInADay) return { kind: 'Never', failure };
  const delay = delaysMs[Math.min(failure.number, delaysMs.length) - 1]!;
  const atMs = Date.parse(failure.finishedAt) + delay;
  return atMs <= now ? { kind: 'MayStart' } : { kind: 'Later', atMs, failure };
};
