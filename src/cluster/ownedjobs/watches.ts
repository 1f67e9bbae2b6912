/** Which owner a change of its Job or of a pod wakes: labels name it, so no look-up is needed. */
import { type OwnerKind, ownerLabels } from '../api/labels.ts';
import { unseen } from '../api/shared-schemas.ts';
import type { Change } from '../runtime/informer.ts';
import type { Priority, WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';

/** The queue of each kind's controller. */
export type OwnerQueues = Readonly<Record<OwnerKind, WorkQueue>>;

export const ownedChanged =
  (queues: OwnerQueues) =>
  ({ before, after }: Change<JobObject | PodObject>): void =>
    wakeOwner(queues, (after ?? before)!.metadata);

/** A Job and its pod change several times within a moment: the owner is looked at once for all of it. */
const burstMs = 50;

const wakeOwner = (queues: OwnerQueues, { namespace, labels }: JobObject['metadata']): void => {
  for (const kind of Object.keys(ownerLabels) as OwnerKind[]) {
    const name = labels?.[ownerLabels[kind].name];
    if (name !== undefined) queues[kind].addAfter(`${namespace}/${name}`, burstMs);
  }
};

type OwnerObject = {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly status?: { readonly observedGeneration?: number };
};

/** How soon an owner is looked at: its user waits for the first status; of one in the first list nothing new is known. */
export const priorityOf = ({ status }: OwnerObject, initial: boolean): Priority => {
  if ((status?.observedGeneration ?? unseen.observedGeneration) < 0) return 'first';
  return initial ? 'low' : 'normal';
};

export const wakeItself = (queue: WorkQueue, { after, initial }: Change<OwnerObject>): void => {
  if (after) queue.add(keyOf(after), priorityOf(after, initial));
};

/** Everything that the cache holds: at the start of leading, and at each resync. */
export const wakeAll = (queue: WorkQueue, owners: { list(): readonly OwnerObject[] }): void => {
  for (const owner of owners.list()) queue.add(keyOf(owner), priorityOf(owner, true));
};
