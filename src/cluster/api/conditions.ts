/** Conditions as the Kubernetes API conventions and kstatus define them. */

import { integer, keyedList, object, oneOf, text, type ValueOf } from '../../ground/contract/schema.ts';
import type { Reason } from './reasons.ts';
import { formatTime } from './times.ts';

/** Schema of one condition, with the field names and limits of metav1.Condition. */
export const conditionSchema = object(
  'One aspect of the current state of this object.',
  {
    type: text('Type of condition, in CamelCase.', { maxLength: 64, minLength: 1 }),
    status: oneOf(['True', 'False', 'Unknown'], 'Status of the condition.'),
    observedGeneration: integer('The metadata.generation that this condition was set for.', {
      format: 'int64',
      minimum: 0,
    }),
    lastTransitionTime: text('Last time the status changed from one value to another.', {
      format: 'date-time',
      maxLength: 64,
    }),
    reason: text('Cause of the last transition, as a documented CamelCase word.', {
      maxLength: 128,
      minLength: 1,
    }),
    message: text('Details for people: what was found and what to do.', { maxLength: 32768 }),
  },
  { required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'] },
);

/** A condition (metav1.Condition). */
export type Condition = ValueOf<typeof conditionSchema>;

/** The condition types of all kinds, with what True means. kstatus evaluates `Stalled` and `Reconciling` before `Ready`. */
export const conditionTypes = {
  Ready: 'True when every artifact that the spec requests is stored.',
  Reconciling: 'True while the operator works towards Ready, or waits for something that can still happen.',
  Stalled:
    'True when the operator cannot proceed until the user changes something. Never True together with Reconciling.',
  Exported: 'ModelExport: the encrypted model for the current spec is stored.',
  Calibrated: 'ModelExport: the calibration cache is stored. Absent if no engine is int8.',
  EnginesReady: 'ModelExport: the engine of every device class is stored.',
  Built: 'Entry of status.engines: the engine for the current spec is stored and verified.',
  HardwareAvailable: 'ExportDeviceClass: at least one ready node belongs to the class.',
  Ambiguous: 'ExportDeviceClass: the nodes differ in hardware, so an engine may not run on all of them.',
} as const;

/** A condition type of any kind. */
export type ConditionType = keyof typeof conditionTypes;

/** A condition to set, without its times. */
export type WantedCondition = {
  readonly type: ConditionType;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
};

/** Schema of `status.conditions`: a list with one entry per type, which server-side apply merges by type. */
export const conditionsSchema = keyedList('Conditions of this object.', conditionSchema, {
  key: 'type',
  maxItems: 16,
});

/** The condition of this type, whatever its status. */
export const findCondition = <C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: ConditionType,
): C | undefined => conditions?.find((condition) => condition.type === type);

/** The condition of this type, if its status is True. Works for conditions of Jobs, pods and nodes, too. */
export const findTrue = <C extends { readonly type: string; readonly status: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined => conditions?.find((condition) => condition.type === type && condition.status === 'True');

type When = {
  /** Milliseconds since the epoch. */ readonly now: number;
  readonly generation: number | undefined;
};

/**
 * Conditions to write: `wanted`, in this order. A condition keeps its transition time while its status is unchanged, and
 * previous conditions that are not in `wanted` are dropped.
 */
export const setConditions = (
  previous: readonly Condition[] | undefined,
  wanted: readonly WantedCondition[],
  { now, generation }: When,
): Condition[] =>
  wanted.map((condition) => {
    const before = previous?.find(({ type }) => type === condition.type);
    const unchangedSince = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return {
      ...condition,
      message: condition.message.slice(0, 4096),
      lastTransitionTime: unchangedSince ?? formatTime(now),
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
