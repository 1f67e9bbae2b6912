/** The write of a new status, and the events about it. Pure. */
import { isSameJson } from '../../ground/base/same-json.ts';
import type { Event } from '../../ground/observability/event.ts';
import type { Action } from './action.ts';
import type { Outcome } from './outcome.ts';

/** The status in the cache, the status to write, and the events about the difference. */
export type StatusChange<Status extends object> = {
  readonly before: Status | undefined;
  readonly next: Status;
  readonly events: () => readonly Event[];
  /** Attempts whose end the new status records. */
  readonly outcomes: readonly Outcome[];
};

/** Writes the status only if it says something new. Events follow the status that they are about. */
export const planStatusWrites = <Status extends object>({
  before,
  next,
  events,
  outcomes,
}: StatusChange<Status>): readonly Action<Status>[] =>
  isSameStatus(next, before)
    ? []
    : [
        { kind: 'WriteStatus', status: next, outcomes },
        ...events().map((event) => ({ kind: 'PublishEvent', event }) as const),
      ];

/** The start of a pod alone is not written: it comes with the next change, so that it costs no write of its own. */
export const isSameStatus = (next: object, before: object | undefined): boolean =>
  isSameJson(next, before, ['startedAt']);
