/** Once in a long while every object is looked at again: a change that was lost for whatever reason is noticed then. */
import type { Clock } from '../../ground/base/clock.ts';

export type ResyncOptions = {
  readonly clock: Clock;
  readonly random: () => number;
  /** Puts every object into its queue, with low priority. */
  readonly enqueueAll: () => void;
};

/** controller-runtime's own period. */
const periodMs = 10 * 60 * 60 * 1000;

/** Runs until the signal aborts. The period differs by ±10 % so that controllers that started together drift apart. */
export const resync = async (
  { clock, random, enqueueAll }: ResyncOptions,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await clock.sleep(periodMs * (0.9 + 0.2 * random()), signal).catch(() => {}); // Aborted: the loop sees it.
    if (!signal.aborted) enqueueAll();
  }
};
