/** The Jobs that an object owns, each with its pods and their warnings. */
import { type JobStores, jobIndexes } from './caches.ts';
import type { JobObject, PodObject, Warning } from './kube-shapes.ts';
import { type JobContext, observeJob } from './observe-job.ts';
import type { ObservedJob } from './observed-job.ts';
import { isJobOf, isPodOf, type OwnerIdentity, ownedKey } from './ownership.ts';

/** Look-ups by node name, by pod and by uid. */
export type OwnedContext = Pick<JobContext, 'hardwareOf' | 'isLost' | 'reportOf'> & {
  /** Events about the Job or pod with this uid, newest first. */
  readonly warningsAbout: (uid: string) => readonly Warning[];
  /** The owner's pods, just read from the apiserver; undefined: the cache is used. */
  readonly freshPods: readonly PodObject[] | undefined;
};

/** The observed Jobs of an owner. */
export const observeOwned = (
  stores: JobStores,
  owner: OwnerIdentity,
  { warningsAbout, freshPods, ...lookups }: OwnedContext,
): readonly ObservedJob[] =>
  stores.jobs
    .byIndex(jobIndexes.owner, ownedKey(owner.metadata.namespace, owner.metadata.uid))
    .filter((job) => isPresent(job) && isJobOf(job.metadata, owner))
    .map((job) => {
      const { namespace, uid } = job.metadata;
      const known = freshPods ?? stores.pods.byIndex(jobIndexes.job, ownedKey(namespace, uid));
      const pods = known.filter(({ metadata }) => isPodOf(metadata, job.metadata));
      const stuck = pods.length === 0 ? [uid] : pods.map(({ metadata }) => metadata.uid);
      const warnings = stuck.flatMap(warningsAbout);
      return observeJob(job, { pods, isConfirmed: freshPods !== undefined, warnings, ...lookups });
    });

/** A Job that is being deleted counts as deleted: its successor is created as soon as the name is free. */
const isPresent = ({ metadata }: JobObject): boolean => metadata.deletionTimestamp === undefined;
