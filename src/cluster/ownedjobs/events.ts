/** Events that follow from a change of conditions: the part of an object's story that all kinds tell alike. */

import type { Event } from '../../ground/observability/event.ts';
import type { Condition } from '../api/conditions.ts';
import type { Owner } from './apply.ts';

export type EventDraft = { readonly type: Event['type']; readonly reason: string; readonly note: string };

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
 * One event for each change that a person cares about: a reason to worry, and that it is over. What goes as it should
 * is in the conditions, with its time: an event for each step of it would be most of what the operator writes.
 * @param progress reasons of Reconciling that are the ordinary course of things
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

const findTrue = (conditions: Conditions, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === 'True');

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
