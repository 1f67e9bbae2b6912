/** What has to be done about the Jobs that are there, whatever they make: remove, suspend, let expire, look again. Pure. */
import { labels as ours } from '../api/labels.ts';
import type { Action } from './action.ts';
import type { ObservedJob } from './observed-job.ts';

export type Upkeep = {
  readonly jobs: readonly ObservedJob[];
  /** Names of the Jobs that the present spec asks for. */
  readonly wanted: ReadonlySet<string>;
  /** Whether status already holds what the Job of this name was made for. */
  readonly known: (name: string) => boolean;
  /** Whether what still runs is to be stopped. */
  readonly stops: boolean;
  readonly suspend: boolean;
  /** The labels that Jobs carry by the user's wish. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** How long a finished Job's pod may stay unseen before the Job is run again to learn its result. */
const resultGraceMs = 30_000;

export const deletions = ({ jobs, wanted, known, stops, now }: Upkeep): readonly Action<never>[] => {
  const goes = ({ name, state, expires }: ObservedJob): boolean => {
    if (!wanted.has(name)) return !expires;
    if (state.kind === 'ResultUnknown') return now - state.sinceMs >= resultGraceMs && !known(name);
    return stops && state.kind === 'Active';
  };
  return jobs.filter(goes).map(({ name, uid }) => ({ kind: 'DeleteJob', name, uid }));
};

/** A Job that a queueing system admits is suspended and resumed by that system alone. */
export const suspensions = ({ jobs, wanted, suspend, labels }: Upkeep): readonly Action<never>[] => {
  if (labels?.[ours.queue] !== undefined) return [];
  return jobs
    .filter(({ name, state }) => wanted.has(name) && state.kind === 'Active' && state.suspended !== suspend)
    .map(({ name }) => ({ kind: 'SuspendJob', name, suspend }));
};

/** A finished Job may go by and by, but only once status holds its result. */
export const expiries = ({ jobs, known }: Upkeep): readonly Action<never>[] =>
  jobs
    .filter(({ name, state, expires }) => state.kind === 'Succeeded' && !expires && known(name))
    .map(({ name }) => ({ kind: 'ExpireJob', name }));

/** When the first result that is waited for has been waited for long enough. */
export const nextLook = ({ jobs, now }: Pick<Upkeep, 'jobs' | 'now'>): number | undefined => {
  const waits = jobs.flatMap(({ state }) =>
    state.kind === 'ResultUnknown' ? [Math.max(1000, state.sinceMs + resultGraceMs - now)] : [],
  );
  return waits.length === 0 ? undefined : Math.min(...waits);
};
