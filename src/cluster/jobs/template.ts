/**
 * Labels that distinguish Jobs for the same content: the attempt, and the hash of the template. Both are functions of
 * status and spec, so repeating a create after a crash gets 409 instead of a second Job.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { remember } from '../../ground/base/remember.ts';
import { labels } from '../api/labels.ts';
import type { Job, JobDraft } from './job.ts';
import { makeJobName } from './names.ts';

/** Hash of everything that the pods of a Job are made from, and of the metadata that the user chose. */
export const hashTemplate = remember(({ metadata, spec }: JobDraft): string =>
  contentKey({ labels: metadata.labels, annotations: metadata.annotations, spec }),
);

/**
 * Identifies an attempt: the first one, or the one after a failure. Every failed Job has its own UID, so no two
 * attempts have the same hash, even if Jobs are deleted.
 */
export const hashAttempt = (key: string, { after, verifies }: AttemptContent): string =>
  contentKey({ key, after, verifies });

/** What distinguishes attempts at the same content. */
export type AttemptContent = {
  /** UID of the latest failed Job. */
  readonly after: string | undefined;
  /** Token of the request to verify the stored artifact. */
  readonly verifies: string | undefined;
};

/** What the name of a Job contains. */
export type AttemptName = {
  /** `export`, `tensorfile`, or the device class. */
  readonly part: string;
  /** As `hashAttempt` returns it. */
  readonly attempt: string;
};

/** The Job with its name, and with the labels by which the attempt is found. */
export const nameJob = (job: JobDraft, owner: string, { part, attempt }: AttemptName): Job => {
  const template = hashTemplate(job);
  return {
    ...job,
    metadata: {
      ...job.metadata,
      name: makeJobName(owner, { part, attempt, template }),
      labels: { ...job.metadata.labels, [labels.attempt]: attempt, [labels.template]: template },
    },
  };
};
