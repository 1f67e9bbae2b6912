/**
 * Twins: objects that request the same artifact in the same folder. One of them creates the Job; the others wait and
 * use its result.
 */
import { ownerLabels } from '../api/labels.ts';
import { hashFolder } from '../jobs/job.ts';
import { type JobStores, jobIndexes } from './caches.ts';
import type { JobObject } from './kube-shapes.ts';
import { controllerKeys, type OwnerIdentity, ownedKey } from './ownership.ts';
import { isUnfinished } from './stuck.ts';

/** Name of another object whose Job writes to the folder; undefined if there is none. */
export type FindTwin = (folder: string) => string | undefined;

/** A look-up over the cached Jobs in the owner's namespace. */
export const makeTwinLookup =
  ({ jobs }: Pick<JobStores, 'jobs'>, { metadata: { namespace, uid } }: OwnerIdentity): FindTwin =>
  (folder) => {
    const own = ownedKey(namespace, uid);
    const other = jobs
      .byIndex(jobIndexes.folder, ownedKey(namespace, hashFolder(folder)))
      .find((job) => isUnfinished(job) && !controllerKeys(job.metadata).includes(own));
    return other && ownerName(other);
  };

const ownerName = ({ metadata: { name, labels: own = {} } }: JobObject): string =>
  Object.values(ownerLabels).flatMap((label) => own[label.name] ?? [])[0] ?? name;
