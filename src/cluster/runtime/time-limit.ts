/**
 * A time limit for one request. Unlike `AbortSignal.timeout`, it leaves no timer and no listener after the response.
 */
import type { Clock } from '../../ground/base/clock.ts';

/** A running time limit; call `end` when the request is over. */
export type TimeLimit = {
  /** Aborts with the caller's signal, or when the time is up. */
  readonly signal: AbortSignal;
  /** Stops the timer; the caller's signal still aborts. */
  lift(): void;
  /** Stops the timer and removes the listener from the caller's signal. */
  end(): void;
};

/** How long, by which clock. */
export type TimeLimitOptions = {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Creates the error to abort with. */
  readonly reason: () => Error;
};

/**
 * Starts a time limit.
 * @param caller a signal that also aborts the request
 */
export const startTimeLimit = (
  caller: AbortSignal,
  { clock, limitMs, reason }: TimeLimitOptions,
): TimeLimit => {
  const own = new AbortController();
  const lift = clock.startTimer(limitMs, () => own.abort(reason()));
  const abort = () => {
    lift();
    own.abort(caller.reason);
  };
  if (caller.aborted) abort();
  else caller.addEventListener('abort', abort, { once: true });
  return {
    signal: own.signal,
    lift,
    end: () => {
      lift();
      caller.removeEventListener('abort', abort);
    },
  };
};
