/**
 * Job names are functions of the content that the Job makes, so that a create repeated after a crash or from a
 * stale cache meets 409 and not a second Job.
 */
import { contentKey } from '../../ground/base/digest.ts';

export type JobContent = {
  /** `export`, `tensorfile`, or the device class. */
  readonly part: string;
  /** The content key. */
  readonly key: string;
  /** The value of the retry annotation: a new one makes a new Job for the same content. */
  readonly retry: string;
};

/** `<owner>-<part>-<8 hex digits>`; admission keeps both names short enough for the 63 characters of a label. */
export const jobName = (owner: string, { part, key, retry }: JobContent): string =>
  `${owner}-${part}-${contentKey({ part, key, retry }).slice(0, 8)}`;
