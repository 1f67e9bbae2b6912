/** Periodic resync: every object is reconciled again, in case a change was lost. */
import type { Clock } from '../../ground/base/clock.ts';

/** What a resync requires. */
export type ResyncOptions = {
  readonly clock: Clock;
  readonly random: () => number;
  /** Adds every object to its queue, with low priority. */
  readonly enqueueAll: () => void;
};

/** Default of controller-runtime (SyncPeriod). */
const periodMs = 10 * 60 * 60 * 1000;

/**
 * Runs until the signal aborts. The period is jittered by ±10 %, so that controllers that started together drift apart.
 */
export const resync = async (
  { clock, random, enqueueAll }: ResyncOptions,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await clock.sleep(periodMs * (0.9 + 0.2 * random()), signal).catch(() => {}); // Aborted: the loop sees it.
    if (!signal.aborted) enqueueAll();
  }
};
