/** `explain REASON`: when a reason is set, and its remedy. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { type FailureReason, failures } from '../../ground/base/failures.ts';
import { suggestWords } from '../../ground/base/nearest.ts';
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

/** @throws UserError Usage with near matches, if there is no reason of this name */
export const explainReason = (word: string): Explanation => {
  const names = Object.keys(reasons);
  const lower = word.toLowerCase();
  const reason = names.find((name) => name.toLowerCase() === lower);
  const row = reason === undefined ? undefined : findReason(reason);
  if (reason === undefined || row === undefined) throw unknownReason(word, nearest(lower, names));
  const exitCode = Object.hasOwn(failures, reason) ? failures[reason as FailureReason].exitCode : undefined;
  return { reason, ...row, ...(exitCode !== undefined && { exitCode }) };
};

/** Reasons that contain the word come first, then typos of reasons. */
const nearest = (lower: string, names: readonly string[]): readonly string[] => {
  const byLower = new Map(names.map((name) => [name.toLowerCase(), name]));
  const containing = [...byLower.keys()].filter((name) => lower !== '' && name.includes(lower));
  const near = new Set([...containing, ...suggestWords(lower, [...byLower.keys()])]);
  return [...near].slice(0, suggested).map((name) => byLower.get(name)!);
};

const unknownReason = (word: string, near: readonly string[]): UserError => {
  const matches = near.length === 0 ? '' : ` Near matches: ${near.join(', ')}.`;
  return new UserError(
    'Usage',
    `Explaining '${word}': there is no such reason.${matches} Name the reason of a condition, which ${pluginName} status shows.`,
  );
};

/** The text of an explanation. */
export const formatExplanation = ({ reason, when, remedy, exitCode }: Explanation, paint: Paint): string =>
  [
    paint('strong', reason),
    `  When:   ${when}`,
    `  Remedy: ${remedy ?? 'None: nothing is wrong.'}`,
    ...(exitCode === undefined ? [] : [`  Exit code of the tools: ${exitCode}`]),
    '',
  ].join('\n');
