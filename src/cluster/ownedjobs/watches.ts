/** Which owner a change of its Job, of a pod or of a pod's mounts wakes: labels name it, so no look-up is needed. */
import { type OwnerKind, ownerLabels } from '../api/labels.ts';
import { unseen } from '../api/shared-schemas.ts';
import type { Change } from '../runtime/informer.ts';
import type { Priority, WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import type { JobObject, MountWarningObject, PodObject } from './kube-shapes.ts';

export type OwnedWatches = {
  readonly ownedChanged: (change: Change<JobObject | PodObject>) => void;
  readonly mountWarned: (change: Change<MountWarningObject>) => void;
};

/** The queue of each kind's controller. */
export type OwnerQueues = Readonly<Record<OwnerKind, WorkQueue>>;

export const makeOwnedWatches = (pods: () => Store<PodObject>, queues: OwnerQueues): OwnedWatches => ({
  ownedChanged: ({ before, after }) => wakeOwner(queues, (after ?? before)!.metadata),
  mountWarned: ({ after }) => {
    const pod =
      after &&
      pods()
        .list()
        .find(
          ({ metadata: { uid, namespace } }) =>
            uid === after.podUid && namespace === after.metadata.namespace,
        );
    if (pod) wakeOwner(queues, pod.metadata);
  },
});

const wakeOwner = (queues: OwnerQueues, { namespace, labels }: JobObject['metadata']): void => {
  for (const kind of Object.keys(ownerLabels) as OwnerKind[]) {
    const name = labels?.[ownerLabels[kind].name];
    if (name !== undefined) queues[kind].add(`${namespace}/${name}`);
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
