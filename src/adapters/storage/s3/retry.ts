/** Repeats requests while their errors are transient: for at least a minute and a half, with growing pauses. */
import type { Clock } from '../../../ground/base/clock.ts';
import { explainS3Error, isTransient, nameOfS3Error, type S3Activity } from './failures.ts';

/** When to try again, and who hears of it. */
export type RetryPolicy = {
  /** Milliseconds before the second try; each later pause is twice as long, up to the longest. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  readonly tries: number;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Random numbers in 0…1, so that pods that failed together do not return together. */
  readonly random: () => number;
  /** Hears of each pause of a second or more. */
  readonly warn: (message: string) => void;
};

/** Pauses of 0.2 to 10 seconds, 92 to 123 seconds in all: a server may be gone for a minute, and then needs time to start. */
export const patientRetries: Pick<RetryPolicy, 'firstPauseMs' | 'longestPauseMs' | 'tries'> = {
  firstPauseMs: 200,
  longestPauseMs: 10_000,
  tries: 18,
};

/** Milliseconds before the next try, after `failed` tries: between three quarters of the pause and all of it. */
export const pauseAfter = (failed: number, { firstPauseMs, longestPauseMs, random }: RetryPolicy): number =>
  Math.min(longestPauseMs, firstPauseMs * 2 ** (failed - 1)) * (0.75 + random() / 4);

/** One kind of work on storage. */
export type Retries = {
  /**
   * Runs the request until it succeeds.
   * @param request gets the number of failed tries before this one
   * @throws UserError; what `keep` accepts is thrown as it is
   */
  readonly run: <T>(
    activity: S3Activity,
    request: (failed: number) => Promise<T>,
    keep?: (thrown: unknown) => boolean,
  ) => Promise<T>;
  /** Waits after a failed try. @throws UserError if there are no more tries or the error is not transient */
  readonly pause: (activity: S3Activity, failed: number, thrown: unknown) => Promise<void>;
};

/** Makes retries that a signal stops. */
export const makeRetries = (policy: RetryPolicy, signal: AbortSignal): Retries => {
  const pause: Retries['pause'] = async (activity, failed, thrown) => {
    signal.throwIfAborted();
    if (failed >= policy.tries || !isTransient(thrown)) throw explainS3Error(activity, thrown);
    const ms = pauseAfter(failed, policy);
    if (ms >= 1000)
      policy.warn(
        `${activity.doing}: ${nameOfS3Error(thrown)}. Trying again in ${Math.round(ms / 1000)} seconds.`,
      );
    await policy.clock.sleep(ms, signal);
  };
  return {
    pause,
    run: async (activity, request, keep = () => false) => {
      for (let failed = 0; ; ) {
        try {
          return await request(failed);
        } catch (thrown) {
          if (keep(thrown)) throw thrown;
          await pause(activity, ++failed, thrown);
        }
      }
    },
  };
};
