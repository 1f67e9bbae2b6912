/** Exponential back-off: `base × 2^(failures − 1)`, at most `limit`, spread by ±20 % so that retries do not march in step. */
export type Backoff = { readonly baseMs: number; readonly limitMs: number };

/** controller-runtime's item rate limiter: 5 ms to 1,000 s. */
export const reconcileBackoff: Backoff = { baseMs: 5, limitMs: 1_000_000 };
/** For a watch or a lease: the apiserver may be restarting. */
export const connectionBackoff: Backoff = { baseMs: 500, limitMs: 15_000 };

/** Milliseconds to wait after the n-th failure in a row; `random` is in [0, 1). */
export const delayOf = ({ baseMs, limitMs }: Backoff, failures: number, random: number): number =>
  Math.min(limitMs, baseMs * 2 ** Math.min(failures - 1, 40)) * (0.8 + 0.4 * random);
