/**
 * Enqueues the owner of a changed Job or pod. The owner is found by owner references, because admission policies may
 * change labels.
 */
import { isSameJson } from '../../ground/base/same-json.ts';
import type { OwnerKind } from '../api/labels.ts';
import type { ObjectMeta } from '../api/model-export.ts';
import { unseen } from '../api/shared-schemas.ts';
import type { Change } from '../runtime/informer.ts';
import type { Priority, WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import { isUnfinished } from './stuck.ts';

/** The queue of each kind's controller. */
export type OwnerQueues = Readonly<Record<OwnerKind, WorkQueue>>;

/** Listeners for the caches of Jobs and of pods. The owner of a pod is a Job, whose owner is enqueued. */
export const makeOwnedListeners = (queues: OwnerQueues, jobs: () => Pick<Store<JobObject>, 'get'>) => ({
  jobChanged: ({ before, after }: Change<JobObject>): void => {
    if (isSameJson(before, after)) return; // No field that is read has changed.
    enqueueOwner(queues, (after ?? before)!, hasEnded(after) ? burstMs : startMs);
  },
  podChanged: ({ before, after }: Change<PodObject>): void => {
    if (isSameJson(before, after)) return;
    const { namespace, ownerReferences = [] } = (after ?? before)!.metadata;
    for (const { name } of ownerReferences.filter(({ kind, controller }) => controller && kind === 'Job')) {
      // A Job that is not cached enqueues its owner itself.
      const owning = jobs().get(`${namespace}/${name}`);
      if (owning) enqueueOwner(queues, owning, after === undefined || hasEnded(owning) ? burstMs : startMs);
    }
  },
});

/** A Job and its pod change several times in a moment: one reconcile covers all of it. */
export const burstMs = 50;

/**
 * A Job that has not ended yet: of the steps until its pod runs, nothing is written unless one of them takes long, so that
 * a reconcile covers all of them. On a busy control plane they take seconds.
 */
const startMs = 5000;

/** Whether there is a result to read, or no Job any more. */
const hasEnded = (job: JobObject | undefined): boolean => job === undefined || !isUnfinished(job);

/** Enqueues the owner of a Job after a delay. */
export const enqueueOwner = (
  queues: OwnerQueues,
  { metadata: { namespace, ownerReferences = [] } }: JobObject,
  delayMs: number,
): void => {
  for (const { kind, name } of ownerReferences.filter(({ controller }) => controller))
    if (Object.hasOwn(queues, kind)) queues[kind as OwnerKind].addAfter(`${namespace}/${name}`, delayMs);
};

type OwnerObject = StatusOwner & { readonly metadata: ObjectMeta };

type StatusOwner = { readonly status?: { readonly observedGeneration?: number } };

/** Whether the object has no status of the operator yet. */
export const isUnseen = ({ status }: StatusOwner): boolean =>
  (status?.observedGeneration ?? unseen.observedGeneration) < 0;

/** Priority of an owner: `first` before its first status; `low` for an unchanged object of the first list. */
export const priorityOf = (owner: OwnerObject, initial: boolean): Priority => {
  if (isUnseen(owner)) return 'first';
  return initial ? 'low' : 'normal';
};

/**
 * Enqueues a changed object itself. A change of the status alone is most often our own write, followed by changes of Jobs:
 * one reconcile covers all of it.
 */
export const enqueueChanged = (queue: WorkQueue, { before, after, initial }: Change<OwnerObject>): void => {
  if (!after || before?.metadata.resourceVersion === after.metadata.resourceVersion) return;
  if (before && !isUnseen(before) && hasSameRequest(before, after)) queue.addAfter(keyOf(after), startMs);
  else queue.add(keyOf(after), priorityOf(after, initial));
};

/** Whether the user requests the same. */
const hasSameRequest = ({ metadata: a }: OwnerObject, { metadata: b }: OwnerObject): boolean =>
  a.uid === b.uid &&
  a.generation === b.generation &&
  a.deletionTimestamp === b.deletionTimestamp &&
  isSameJson(a.annotations, b.annotations);

/** Enqueues every cached object: at the start of leading, and at each resync. */
export const enqueueAll = (queue: WorkQueue, owners: { list(): readonly OwnerObject[] }): void => {
  for (const owner of owners.list()) queue.add(keyOf(owner), priorityOf(owner, true));
};
