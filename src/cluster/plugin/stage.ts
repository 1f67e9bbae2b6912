/** What a condition of a stage means for the reader: done, failed, waiting or in progress. Pure. */
import { type Reason, type ReasonRow, reasonGroups, reasons } from '../api/reasons.ts';

/** State of a stage. */
export type StageState = 'done' | 'failed' | 'waiting' | 'active';

/** The row of a reason; undefined for a reason of a newer operator. */
export const findReason = (reason: string): ReasonRow | undefined =>
  Object.hasOwn(reasons, reason) ? reasons[reason as Reason] : undefined;

/** Reasons of the group `progress` for which nothing runs. */
const idle: readonly string[] = ['Suspended', 'Queued', 'WaitingForTensorfile', 'WaitingForExport'];

/** A failure with a time for the next attempt is a wait. */
export const stateOf = ({
  done,
  reason,
  nextAttempt,
}: {
  readonly done: boolean;
  readonly reason: string;
  readonly nextAttempt: string | undefined;
}): StageState => {
  if (done) return 'done';
  if (nextAttempt !== undefined || idle.includes(reason) || Object.hasOwn(reasonGroups.waiting, reason))
    return 'waiting';
  const isFailure = Object.hasOwn(reasonGroups.failed, reason) || Object.hasOwn(reasonGroups.failing, reason);
  return isFailure ? 'failed' : 'active';
};
