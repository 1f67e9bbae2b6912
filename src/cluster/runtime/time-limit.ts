/** A time limit on one request. Unlike `AbortSignal.timeout` it leaves no timer and no listener once the answer is read. */
import type { Clock } from '../../ground/base/clock.ts';

export type TimeLimit = {
  /** Aborts with the caller's signal, or when the time is over. */
  readonly signal: AbortSignal;
  /** Stops the time; the caller's signal still aborts. */
  lift(): void;
  /** Forgets the caller's signal as well. */
  end(): void;
};

export type TimeLimitOptions = {
  readonly clock: Clock;
  readonly limitMs: number;
  /** What to abort with. */
  readonly reason: () => Error;
};

export const startTimeLimit = (
  caller: AbortSignal,
  { clock, limitMs, reason }: TimeLimitOptions,
): TimeLimit => {
  const own = new AbortController();
  const timer = new AbortController();
  const abort = () => {
    timer.abort();
    own.abort(caller.reason);
  };
  if (caller.aborted) abort();
  else caller.addEventListener('abort', abort, { once: true });
  clock.sleep(limitMs, timer.signal).then(
    () => own.abort(reason()),
    () => {}, // Lifted in time.
  );
  return {
    signal: own.signal,
    lift: () => timer.abort(),
    end: () => {
      timer.abort();
      caller.removeEventListener('abort', abort);
    },
  };
};
