/**
 * Job names are functions of the content that the Job makes, so that a create repeated after a crash or from a
 * stale cache meets 409 and not a second Job.
 */
import { contentKey } from '../base/digest.ts';

export type JobContent = {
  /** `export`, or the device class. */
  readonly part: string;
  /** The export key or engine key. */
  readonly key: string;
  /** The value of the retry annotation: a new one makes a new Job for the same content. */
  readonly retry: string;
};

/** `<model export>-<part>-<8 hex digits>`; admission keeps both names short enough for the 63 characters of a label. */
export const jobName = (modelExport: string, { part, key, retry }: JobContent): string =>
  `${modelExport}-${part}-${contentKey({ part, key, retry }).slice(0, 8)}`;
