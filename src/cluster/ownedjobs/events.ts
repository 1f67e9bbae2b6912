/** Events about a change of conditions, common to all owners of Jobs. */

import type { Event } from '../../ground/observability/event.ts';
import { type Condition, findTrue } from '../api/conditions.ts';
import type { Owner } from './apply.ts';

/** An event without the object that it is about. */
export type EventDraft = { readonly type: Event['type']; readonly reason: string; readonly note: string };

/** Completes drafts to events about this owner. */
export const makeEvents = (
  { apiVersion, kind, metadata }: Owner,
  steps: readonly EventDraft[],
): readonly Event[] => {
  const { name, namespace, uid } = metadata;
  const regarding = { apiVersion, kind, name, namespace, uid };
  return steps.map((step) => ({ ...step, regarding, action: 'Reconcile' }));
};

type Conditions = readonly Condition[] | undefined;

/**
 * One event for each change that may need attention: a problem, and its end. Normal progress is in the conditions, with
 * its time; events for each step would be most of the operator's writes.
 * @param progress reasons of Reconciling that are normal progress
 */
export const draftSummaryEvents = (
  previous: Conditions,
  next: Conditions,
  progress: readonly string[],
): readonly EventDraft[] => {
  const worried = findProblem(previous, progress);
  const worry = findProblem(next, progress);
  if (worry) return worry.reason === worried?.reason ? [] : [draftEvent('Warning', worry)];
  const current = ['Ready', 'Reconciling'].flatMap((type) => findTrue(next, type) ?? [])[0];
  return worried && current ? [draftEvent('Normal', current)] : [];
};

const findProblem = (conditions: Conditions, progress: readonly string[]): Condition | undefined => {
  const working = findTrue(conditions, 'Reconciling');
  return (
    findTrue(conditions, 'Stalled') ?? (working && !progress.includes(working.reason) ? working : undefined)
  );
};

const draftEvent = (type: EventDraft['type'], { reason, message }: Condition): EventDraft => ({
  type,
  reason,
  note: message,
});
