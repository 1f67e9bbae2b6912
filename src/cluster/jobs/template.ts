/**
 * Two labels that tell Jobs for the same content apart: which try it is, and which template it was made from. Both are
 * functions of what status and spec say, so that a create repeated after a crash meets 409 and not a second Job.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { labels } from '../api/labels.ts';
import type { Job, JobDraft } from './job.ts';
import { makeJobName } from './names.ts';

/** Hash of all that the pods of a Job are made from, and of what the Job itself carries by the user's choice. */
export const hashTemplate = ({ metadata, spec }: JobDraft): string =>
  contentKey({ labels: metadata.labels, annotations: metadata.annotations, spec });

/**
 * Names the try that follows a failure, or the first one. Every failed Job has a UID of its own, so no try is named
 * twice, whatever becomes of the Jobs.
 */
export const hashAttempt = (key: string, { after, verifies }: AttemptContent): string =>
  contentKey({ key, after, verifies });

export type AttemptContent = {
  /** UID of the latest Job that failed. */
  readonly after: string | undefined;
  /** Token of the request to check what is stored. */
  readonly verifies: string | undefined;
};

export type AttemptName = {
  /** `export`, `tensorfile`, or the device class. */
  readonly part: string;
  /** As `tryOf` names it. */
  readonly attempt: string;
};

/** The Job under its final name, with the labels by which it is found again. */
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
