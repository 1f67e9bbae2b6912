/**
 * Job names are functions of the content that the Job makes: repeating a create after a crash or from an outdated cache
 * gets 409 instead of a second Job.
 */
import { contentKey } from '../../ground/base/digest.ts';

/** What the name is derived from. */
export type JobContent = {
  /** `export`, `tensorfile`, or the device class. */
  readonly part: string;
  /** Hash of the attempt. */
  readonly attempt: string;
  /** Hash of the template. */
  readonly template: string;
};

/**
 * `<owner>-<part>-<10 hex digits>` of at most 52 characters: a pod adds 6, and a host name has at most 63. Long names
 * are truncated; the digits and the labels cover them in full.
 */
export const makeJobName = (owner: string, { part, attempt, template }: JobContent): string =>
  [
    truncateName(owner, 24),
    truncateName(part, 16),
    contentKey({ owner, part, attempt, template }).slice(0, 10),
  ].join('-');

const truncateName = (name: string, length: number): string => name.slice(0, length).replace(/-+$/, '');
