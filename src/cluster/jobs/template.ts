/**
 * Labels that distinguish Jobs for the same content: the attempt, and the hash of the template. Both are functions of
 * status and spec, so repeating a create after a crash gets 409 instead of a second Job.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { labels } from '../api/labels.ts';
import type { Job, JobDraft } from './job.ts';
import { type JobContent, makeJobName } from './names.ts';

/** Hash of everything that the pods of a Job are made from, and of the metadata that the user chose. */
export const hashTemplate = ({ metadata, spec }: JobDraft): string =>
  contentKey({ labels: metadata.labels, annotations: metadata.annotations, spec });

/** A Job that is made when it is created, and the hash by which an existing one is compared with it. */
export type JobPlan = {
  /** Makes the Job, without the name and labels of an attempt. */
  readonly job: () => JobDraft;
  /** As `hashTemplate` returns it. */
  readonly template: () => string;
};

/**
 * Keeps the hash and not the Job, which is large: most plans are looked at many times, and create one Job, which is made once
 * for both.
 */
export const planJob = (make: () => JobDraft): JobPlan => {
  let hash: string | undefined;
  return {
    job: () => {
      const made = make();
      hash ??= hashTemplate(made);
      return made;
    },
    template: () => {
      hash ??= hashTemplate(make());
      return hash;
    },
  };
};

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

/** The Job with its name, and with the labels by which the attempt is found. */
export const nameJob = (job: JobDraft, owner: string, content: JobContent): Job => ({
  ...job,
  metadata: {
    ...job.metadata,
    name: makeJobName(owner, content),
    labels: {
      ...job.metadata.labels,
      [labels.attempt]: content.attempt,
      [labels.template]: content.template,
    },
  },
});
