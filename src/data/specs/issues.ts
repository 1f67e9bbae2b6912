/** What is wrong with a spec: collected with places, and told all at once in one error. */
import { UserError } from '../../ground/base/errors.ts';
import type { Place } from './tokens.ts';

export type Issue = Place & {
  /** `training_config.batch_size_per_gpu`; empty for the spec as a whole. */
  readonly path: string;
  readonly what: string;
};

/** More are counted only. */
export const mostShown = 50;

/** One line an issue, in the order of the text, each beginning with `file:line:column`. */
export const specError = (file: string, issues: readonly Issue[]): UserError => {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted
    .slice(0, mostShown)
    .map(({ line, column, path, what }) => `  ${file}:${line}:${column} ${path && `${path}: `}${what}`);
  const more = issues.length > mostShown ? [`  … and ${issues.length - mostShown} more`] : [];
  const count = issues.length === 1 ? 'there is 1 error' : `there are ${issues.length} errors`;
  return new UserError(
    'SpecInvalid',
    [`Reading the experiment spec ${file}: ${count}.`, ...lines, ...more].join('\n'),
  );
};
