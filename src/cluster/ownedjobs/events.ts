/** Events that follow from a change of conditions: the part of an object's story that all kinds tell alike. */

import type { Event } from '../../ground/observability/event.ts';
import type { Condition } from '../api/conditions.ts';
import type { Owner } from './apply.ts';

export type Step = { readonly type: Event['type']; readonly reason: string; readonly note: string };

export const eventsAbout = (
  { apiVersion, kind, metadata }: Owner,
  steps: readonly Step[],
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
export const summarySteps = (
  previous: Conditions,
  next: Conditions,
  progress: readonly string[],
): readonly Step[] => {
  const worried = worryIn(previous, progress);
  const worry = worryIn(next, progress);
  if (worry) return worry.reason === worried?.reason ? [] : [stepOf('Warning', worry)];
  const current = ['Ready', 'Reconciling'].flatMap((type) => trueIn(next, type) ?? [])[0];
  return worried && current ? [stepOf('Normal', current)] : [];
};

const trueIn = (conditions: Conditions, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === 'True');

const worryIn = (conditions: Conditions, progress: readonly string[]): Condition | undefined => {
  const working = trueIn(conditions, 'Reconciling');
  return (
    trueIn(conditions, 'Stalled') ?? (working && !progress.includes(working.reason) ? working : undefined)
  );
};

const stepOf = (type: Step['type'], { reason, message }: Condition): Step => ({
  type,
  reason,
  note: message,
});
