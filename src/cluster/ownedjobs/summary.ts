/**
 * One sentence and one word about an owner of Jobs, and the conditions Reconciling, Stalled and Ready that follow from it.
 * Pure.
 */
import type { WantedCondition } from '../api/conditions.ts';
import type { Reason } from '../api/reasons.ts';

/** Which of the three conditions is True, with the reason and message of all of them; none is while suspended. */
export type Summary = {
  readonly kind: 'Ready' | 'Reconciling' | 'Stalled' | 'Suspended';
  readonly reason: Reason;
  readonly message: string;
};

/** The summary of an object whose Jobs are all suspended. */
export const suspended = {
  kind: 'Suspended',
  reason: 'Suspended',
  message: 'spec.suspend is true: set it to false to continue',
} as const satisfies Summary;

/** kstatus evaluates Reconciling and Stalled before Ready, so at most one of the three is True. */
export const makeSummaryConditions = ({ kind, reason, message }: Summary): readonly WantedCondition[] =>
  (['Reconciling', 'Stalled', 'Ready'] as const).map((type) => ({
    type,
    status: kind === type ? 'True' : 'False',
    reason,
    message,
  }));
