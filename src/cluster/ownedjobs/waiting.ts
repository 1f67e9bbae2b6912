/**
 * Owners that wait for the end of a Job of another: a twin, or a Job that a quota had no room for. They are found by what
 * their status says, so nothing has to be remembered.
 */
import type { Condition } from '../api/conditions.ts';
import type { OwnerKind } from '../api/labels.ts';
import type { Reason } from '../api/reasons.ts';
import type { Change } from '../runtime/informer.ts';
import { keyOf } from '../runtime/resources.ts';
import type { NamedObject, Store } from '../runtime/store.ts';
import type { JobObject } from './kube-shapes.ts';
import type { Refusals } from './refusals.ts';
import { isUnfinished } from './stuck.ts';
import type { OwnerQueues } from './watches.ts';

/** Name of the index of owners that wait, by their namespace. */
export const waitingIndex = 'waiting';

const waitingReasons: readonly Reason[] = ['WaitingForTwin', 'JobRefused'];

type Conditions = { readonly conditions?: readonly Condition[] };
type WaitingObject = NamedObject & {
  readonly metadata: { readonly namespace: string };
  readonly status?: Conditions & { readonly engines?: readonly Conditions[] };
};

/** The values of `waitingIndex`: the namespace, if the object or one of its engines waits. */
export const findWaiting = ({ metadata, status }: WaitingObject): readonly string[] =>
  [status, ...(status?.engines ?? [])]
    .flatMap((part) => part?.conditions ?? [])
    .some(({ reason }) => (waitingReasons as readonly string[]).includes(reason))
    ? [metadata.namespace]
    : [];

type WaitingDeps = {
  readonly queues: OwnerQueues;
  readonly owners: () => Readonly<Record<OwnerKind, Pick<Store<NamedObject>, 'byIndex'>>>;
  readonly refusals: Refusals;
};

/** Time for the quota controller to count what has ended, in milliseconds. */
const countedMs = 2000;

/** A listener for the cache of Jobs: the end of one enqueues those in its namespace that wait, and repeats one rejected create. */
export const makeRoomListener =
  ({ queues, owners, refusals }: WaitingDeps) =>
  ({ before, after, initial }: Change<JobObject>): void => {
    const hasEnded = before !== undefined && isUnfinished(before) && !(after && isUnfinished(after));
    if (initial || !hasEnded) return;
    const { namespace } = before.metadata;
    refusals.retryOldest(namespace);
    for (const [kind, store] of Object.entries(owners()))
      for (const owner of store.byIndex(waitingIndex, namespace))
        queues[kind as OwnerKind].addAfter(keyOf(owner), countedMs);
  };
