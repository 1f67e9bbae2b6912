/** Whether a failed attempt is retried, and when. Pure. */
import { type FailureReason, failures } from '../../ground/base/failures.ts';
import type { Attempt } from '../api/ledger.ts';
import type { JobFailureReason } from './observed-job.ts';

/** Whether another attempt can succeed after a failure that no pod reports. */
const jobFailures: Readonly<Record<Exclude<JobFailureReason, FailureReason>, 'never' | 'later'>> = {
  DeadlineExceeded: 'never',
  PodFailed: 'later',
  Disrupted: 'later',
  ResultLost: 'later',
  ResultInvalid: 'later',
};

/** Whether another attempt can succeed without a change by the user. */
export const isTransient = (reason: string): boolean =>
  (jobFailures as Readonly<Record<string, string>>)[reason] === 'later' ||
  (reason in failures && failures[reason as FailureReason].retry === 'later');

const minutes = 60_000;

/** Delay after the n-th attempt; the last one applies to all later attempts. */
const delaysMs = [1 * minutes, 5 * minutes, 15 * minutes, 60 * minutes] as const;

/** Attempts in a day: the first one, four more in 81 minutes, then 22 hourly ones. */
export const attemptsInADay = 27;

/** What follows from the failed attempts. */
export type RetryDecision =
  /** Nothing failed, or the delay is over. */
  | { readonly kind: 'MayStart' }
  | { readonly kind: 'Later'; readonly atMs: number; readonly failure: Attempt }
  | { readonly kind: 'Never'; readonly failure: Attempt };

/**
 * Decides about the next attempt.
 * @param now milliseconds since the epoch
 */
export const decideRetry = (attempts: readonly Attempt[], now: number): RetryDecision => {
  const failure = attempts.at(-1);
  if (failure === undefined) return { kind: 'MayStart' };
  if (!isTransient(failure.reason) || failure.number >= attemptsInADay) return { kind: 'Never', failure };
  const delay = delaysMs[Math.min(failure.number, delaysMs.length) - 1]!;
  const finishedMs = Date.parse(failure.finishedAt);
  // A clock was set back since: a wait until then could be as long as the jump.
  if (finishedMs - now > delay) return { kind: 'MayStart' };
  const atMs = finishedMs + delay;
  return atMs <= now ? { kind: 'MayStart' } : { kind: 'Later', atMs, failure };
};
