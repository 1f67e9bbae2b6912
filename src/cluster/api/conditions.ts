/** Conditions by the API conventions and kstatus: merged so that a transition time moves only with the status. */

import { integer, keyedList, object, oneOf, text, type ValueOf } from '../../ground/contract/schema.ts';
import type { Reason } from './reasons.ts';

export const conditionSchema = object(
  'One observation of the state of this object.',
  {
    type: text('What is observed, in PascalCase.', { maxLength: 64, minLength: 1 }),
    status: oneOf(['True', 'False', 'Unknown'], 'Whether it holds.'),
    observedGeneration: integer('The metadata.generation that this was observed for.', {
      format: 'int64',
      minimum: 0,
    }),
    lastTransitionTime: text('When the status last changed from one value to another.', {
      format: 'date-time',
      maxLength: 64,
    }),
    reason: text('Why, in one CamelCase word; documented and stable.', { maxLength: 128, minLength: 1 }),
    message: text('Why, in a sentence for people: what was found and what to do.', { maxLength: 32768 }),
  },
  { required: ['type', 'status', 'lastTransitionTime', 'reason', 'message'] },
);

export type Condition = ValueOf<typeof conditionSchema>;

/** The condition types of all kinds. Polarity is written out, because kstatus reads `Stalled` and `Reconciling` first. */
export const conditionTypes = {
  Ready: 'True when everything that the spec asks for is stored; False while it is not.',
  Reconciling: 'True while the operator works towards Ready or waits for something that can still come.',
  Stalled:
    'True when nothing more happens until the user changes something; never True together with Reconciling.',
  Exported: 'ModelExport: the encrypted model of the present spec is stored.',
  Calibrated: 'ModelExport: the calibration cache is stored. Absent where no engine is int8.',
  EnginesReady: 'ModelExport: the engine of every device class is stored.',
  Built: 'An entry of status.engines: the engine of the present spec is stored and verified.',
  HardwareAvailable: 'ExportDeviceClass: at least one ready node belongs to the class.',
  Ambiguous:
    'ExportDeviceClass: True when its nodes are of more than one kind, so that an engine need not run on all of them.',
} as const;

export type ConditionType = keyof typeof conditionTypes;

export type WantedCondition = {
  readonly type: ConditionType;
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
};

export const conditionsSchema = keyedList(
  'The latest observations of the state of this object.',
  conditionSchema,
  {
    key: 'type',
    maxItems: 16,
  },
);

type When = {
  /** Milliseconds since the epoch. */ readonly now: number;
  readonly generation: number | undefined;
};

/** The wanted conditions in their order; any other one is dropped. */
export const setConditions = (
  previous: readonly Condition[] | undefined,
  wanted: readonly WantedCondition[],
  { now, generation }: When,
): Condition[] =>
  wanted.map((condition) => {
    const before = previous?.find(({ type }) => type === condition.type);
    const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return {
      ...condition,
      message: condition.message.slice(0, 4096),
      lastTransitionTime: kept ?? `${new Date(now).toISOString().slice(0, 19)}Z`,
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
