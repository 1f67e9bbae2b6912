/** Exponential back-off: `base × 2^(failures − 1)`, at most `limit`, spread by chance so that retries do not march in step. */
export type Backoff = { readonly baseMs: number; readonly limitMs: number };

/** controller-runtime's item rate limiter: 5 ms to 1,000 s. */
export const reconcileBackoff: Backoff = { baseMs: 5, limitMs: 1_000_000 };
/** For lists and watches, client-go's: the apiserver may be restarting. */
export const connectionBackoff: Backoff = { baseMs: 800, limitMs: 30_000 };

/** Milliseconds to wait after the n-th failure in a row, ±20 %; `random` is in [0, 1). */
export const delayOf = (backoff: Backoff, failures: number, random: number): number =>
  ceilingOf(backoff, failures) * (0.8 + 0.4 * random);

/** Not below this, whatever chance says: a loop without any pause is what back-off prevents. */
const shortestMs = 100;

/**
 * Full jitter: anything up to the ceiling. For clients that all lost their connection in the same moment.
 * Source: Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export const jitteredDelayOf = (backoff: Backoff, failures: number, random: number): number =>
  Math.max(shortestMs, ceilingOf(backoff, failures) * random);

const ceilingOf = ({ baseMs, limitMs }: Backoff, failures: number): number =>
  Math.min(limitMs, baseMs * 2 ** Math.min(failures - 1, 40));
