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

/** Reasons of Reconciling: those that are not worth an event, and those that are no cause for alarm. */
export type Ordinary = { readonly quiet: readonly string[]; readonly normal: readonly string[] };

/** One step for each condition that became True, or is True for another reason than before. */
export const summarySteps = (
  previous: Conditions,
  next: Conditions,
  { quiet, normal }: Ordinary,
): readonly Step[] => {
  const became = (type: string): Condition | undefined => {
    const before = previous?.find((condition) => condition.type === type);
    const now = next?.find((condition) => condition.type === type);
    const same = before?.status === 'True' && before.reason === now?.reason;
    return now?.status === 'True' && !same ? now : undefined;
  };
  const step = (type: Step['type'], condition: Condition | undefined): readonly Step[] =>
    condition ? [{ type, reason: condition.reason, note: condition.message }] : [];
  const working = became('Reconciling');
  const alarm = working && !normal.includes(working.reason) ? 'Warning' : 'Normal';
  return [
    ...step('Normal', became('Ready')),
    ...step('Warning', became('Stalled')),
    ...(working && quiet.includes(working.reason) ? [] : step(alarm, working)),
  ];
};
