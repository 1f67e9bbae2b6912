/** Time as a dependency: entries pass the system clock, tests a manual one. */
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Milliseconds since the Unix epoch, for timestamps. It can be adjusted, so do not measure durations with it. */
  now(): number;
  /** Monotonic milliseconds, for durations (CLOCK_MONOTONIC). */
  elapsed(): number;
  /** Resolves after `ms`, or rejects with the signal's reason as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `act` after `ms`, unless the returned function is called before. It costs less than a sleep that is aborted. */
  startTimer(ms: number, act: () => void): () => void;
}

/** Longest delay of setTimeout; Node fires longer ones after 1 ms. */
const longestTimerMs = 2 ** 31 - 1;

/** The clock of the operating system. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        Math.min(ms, longestTimerMs),
      );
      signal?.addEventListener('abort', abort, { once: true });
    }),
  startTimer: (ms, act) => {
    const timer = setTimeout(act, Math.min(ms, longestTimerMs));
    return () => clearTimeout(timer);
  },
};
