/** Finds Jobs and pods that do not start: Jobs without a pod, and pending pods. Pure. */
import { findTrue } from '../api/conditions.ts';
import { type JobStores, jobIndexes } from './caches.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import { isJobOf, isPodOf, type OwnerIdentity, ownedKey } from './ownership.ts';
import type { StuckObject } from './warnings.ts';

/** The owner's Jobs and pods whose events may explain a delay. Pods of the parts of one Job wait for the same: one of them is listed. */
export const findStuck = (
  stores: Pick<JobStores, 'jobs' | 'pods'>,
  owner: OwnerIdentity,
): readonly StuckObject[] =>
  stores.jobs
    .byIndex(jobIndexes.owner, ownedKey(owner.metadata.namespace, owner.metadata.uid))
    .filter((job) => isJobOf(job.metadata, owner) && isUnfinished(job))
    .flatMap((job) => {
      const { namespace, uid } = job.metadata;
      const pods = stores.pods
        .byIndex(jobIndexes.job, ownedKey(namespace, uid))
        .filter(({ metadata }) => isPodOf(metadata, job.metadata));
      if (pods.length === 0) return [{ namespace, uid }];
      return pods
        .filter(isPending)
        .slice(0, 1)
        .map(({ metadata }) => ({ namespace, uid: metadata.uid }));
    });

/** Whether the Job controller should be running a pod of this Job. A suspended Job has none on purpose. */
export const isUnfinished = ({ metadata, spec, status }: JobObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  spec.suspend !== true &&
  !['Complete', 'Failed'].some((type) => findTrue(status?.conditions, type));

const isPending = ({ status, metadata }: PodObject): boolean =>
  status?.phase === 'Pending' && metadata.deletionTimestamp === undefined;
