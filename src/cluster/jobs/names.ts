/**
 * Job names are functions of the content that the Job makes, so that a create repeated after a crash or from a
 * stale cache meets 409 and not a second Job.
 */
import { contentKey } from '../../ground/base/digest.ts';

export type JobContent = {
  /** `export`, `tensorfile`, or the device class. */
  readonly part: string;
  /** Which try for which content. */
  readonly attempt: string;
  /** Hash of the template. */
  readonly template: string;
};

/**
 * `<owner>-<part>-<10 hex digits>` of at most 52 characters: a pod adds 6, and a host name has at most 63. Long names
 * are cut for people, and whole in the digits and in the labels.
 */
export const makeJobName = (owner: string, { part, attempt, template }: JobContent): string =>
  [
    truncateName(owner, 24),
    truncateName(part, 16),
    contentKey({ owner, part, attempt, template }).slice(0, 10),
  ].join('-');

const truncateName = (name: string, length: number): string => name.slice(0, length).replace(/-+$/, '');
