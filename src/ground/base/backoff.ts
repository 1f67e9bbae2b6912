/**
 * Exponential backoff: `baseMs × 2^(failures − 1)`, at most `limitMs`, with random jitter so that retries do not
 * synchronise.
 */
export type Backoff = { readonly baseMs: number; readonly limitMs: number };

/** controller-runtime's item rate limiter: 5 ms to 1,000 s. */
export const reconcileBackoff: Backoff = { baseMs: 5, limitMs: 1_000_000 };
/** Backoff of lists and watches; the values of client-go's reflector. */
export const connectionBackoff: Backoff = { baseMs: 800, limitMs: 30_000 };

/** Delay in milliseconds after `failures` consecutive failures, ±20 %; `random` is in [0, 1). */
export const delayOf = (backoff: Backoff, failures: number, random: number): number =>
  ceilingOf(backoff, failures) * (0.8 + 0.4 * random);

/** Minimum delay, so that jitter never leads to a busy loop. */
const shortestMs = 100;

/**
 * Delay with full jitter, for clients that lost their connection at the same moment: uniform between 0.1 s and the ceiling.
 * Source: Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export const jitteredDelayOf = (backoff: Backoff, failures: number, random: number): number =>
  Math.max(shortestMs, ceilingOf(backoff, failures) * random);

const ceilingOf = ({ baseMs, limitMs }: Backoff, failures: number): number =>
  Math.min(limitMs, baseMs * 2 ** Math.min(failures - 1, 40));
