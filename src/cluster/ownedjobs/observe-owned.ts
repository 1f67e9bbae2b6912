/** The Jobs that an object owns, each judged with its pods and their warnings: reads memory alone. */
import type { Hardware } from '../deviceclass/hardware.ts';
import { type JobStores, jobIndexes } from './caches.ts';
import type { JobObject } from './kube-shapes.ts';
import { observeJob } from './observe-job.ts';
import type { ObservedJob } from './observed-job.ts';

type HardwareOf = (node: string) => Hardware | undefined;

export const observeOwned = (
  stores: JobStores,
  ownerUid: string,
  hardwareOf: HardwareOf,
): readonly ObservedJob[] =>
  stores.jobs
    .byIndex(jobIndexes.owner, ownerUid)
    .filter(isThere)
    .map((job) => {
      const pods = stores.pods.byIndex(jobIndexes.job, job.metadata.uid);
      const warnings = pods.flatMap(({ metadata }) =>
        stores.mountWarnings.byIndex(jobIndexes.pod, metadata.uid),
      );
      return observeJob(job, { pods, warnings, hardwareOf });
    });

/** A Job that is being deleted counts as gone: a new one of its name is made as soon as the name is free. */
const isThere = ({ metadata }: JobObject): boolean => metadata.deletionTimestamp === undefined;
