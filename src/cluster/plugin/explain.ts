/** `explain REASON`: when a reason is set, and its remedy. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { type FailureReason, failures } from '../../ground/base/failures.ts';
import { sortByDistance } from '../../ground/base/nearest.ts';
import { pluginName } from '../../ground/contract/plugin-flags.ts';
import { reasons } from '../api/reasons.ts';
import type { Paint } from './paint.ts';
import { findReason } from './stage.ts';

/** A reason, and what is known of it. */
export type Explanation = {
  readonly reason: string;
  readonly when: string;
  readonly remedy?: string;
  /** Exit code of tools and pods, for failures. */
  readonly exitCode?: number;
};

/** Number of suggestions for an unknown reason. */
const suggested = 3;

/** @throws UserError Usage with the nearest reasons, if there is none of this name */
export const explainReason = (word: string): Explanation => {
  const names = Object.keys(reasons);
  const lower = word.toLowerCase();
  const reason = names.find((name) => name.toLowerCase() === lower);
  const row = reason === undefined ? undefined : findReason(reason);
  if (reason === undefined || row === undefined) throw unknownReason(word, nearest(lower, names));
  const exitCode = Object.hasOwn(failures, reason) ? failures[reason as FailureReason].exitCode : undefined;
  return { reason, ...row, ...(exitCode !== undefined && { exitCode }) };
};

/** Reasons that contain the word come first, then those with the smallest edit distance. */
const nearest = (lower: string, names: readonly string[]): readonly string[] => {
  const containing = names.filter((name) => lower !== '' && name.toLowerCase().includes(lower));
  const byDistance = sortByDistance(
    lower,
    names.map((name) => name.toLowerCase()),
  );
  const close = byDistance.map((each) => names.find((name) => name.toLowerCase() === each)!);
  return [...new Set([...containing, ...close])].slice(0, suggested);
};

const unknownReason = (word: string, near: readonly string[]): UserError =>
  new UserError(
    'Usage',
    `Explaining '${word}': there is no such reason. Near matches: ${near.join(', ')}. See ${pluginName} explain --help.`,
  );

/** The text of an explanation. */
export const formatExplanation = ({ reason, when, remedy, exitCode }: Explanation, paint: Paint): string =>
  [
    paint('strong', reason),
    `  When:   ${when}`,
    `  Remedy: ${remedy ?? 'None: nothing is wrong.'}`,
    ...(exitCode === undefined ? [] : [`  Exit code of the tools: ${exitCode}`]),
    '',
  ].join('\n');
