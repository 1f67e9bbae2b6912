/**
 * Which owner a change of its Job or of a pod wakes. Ownership names it, not labels: what policies make of labels must not
 * leave an owner asleep.
 */
import type { OwnerKind } from '../api/labels.ts';
import { unseen } from '../api/shared-schemas.ts';
import type { Change } from '../runtime/informer.ts';
import type { Priority, WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';

/** The queue of each kind's controller. */
export type OwnerQueues = Readonly<Record<OwnerKind, WorkQueue>>;

/** Both listeners: of a Job's cache, and of the cache of pods, whose owners are Jobs. */
export const makeOwnedListeners = (queues: OwnerQueues, jobs: () => Pick<Store<JobObject>, 'get'>) => ({
  jobChanged: ({ before, after }: Change<JobObject>): void =>
    enqueueOwner(queues, (after ?? before)!.metadata),
  podChanged: ({ before, after }: Change<PodObject>): void => {
    const { namespace, ownerReferences = [] } = (after ?? before)!.metadata;
    for (const { name } of ownerReferences.filter(({ kind, controller }) => controller && kind === 'Job')) {
      // A Job that the cache does not hold yet, or no longer, wakes its owner itself.
      const owning = jobs().get(`${namespace}/${name}`);
      if (owning) enqueueOwner(queues, owning.metadata);
    }
  },
});

/** A Job and its pod change several times within a moment: the owner is looked at once for all of it. */
const burstMs = 50;

const enqueueOwner = (
  queues: OwnerQueues,
  { namespace, ownerReferences = [] }: JobObject['metadata'],
): void => {
  for (const { kind, name } of ownerReferences.filter(({ controller }) => controller))
    if (Object.hasOwn(queues, kind)) queues[kind as OwnerKind].addAfter(`${namespace}/${name}`, burstMs);
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

export const enqueueChanged = (queue: WorkQueue, { after, initial }: Change<OwnerObject>): void => {
  if (after) queue.add(keyOf(after), priorityOf(after, initial));
};

/** Everything that the cache holds: at the start of leading, and at each resync. */
export const enqueueAll = (queue: WorkQueue, owners: { list(): readonly OwnerObject[] }): void => {
  for (const owner of owners.list()) queue.add(keyOf(owner), priorityOf(owner, true));
};
