/** Errors in a spec: collected with positions, and reported together. */
import { UserError } from '../../ground/base/errors.ts';
import type { Place } from './tokens.ts';

/** One error, as a clause after the path of its field. */
export type Issue = Place & {
  /** For example `training_config.batch_size_per_gpu`; empty for the whole spec. */
  readonly path: string;
  readonly what: string;
};

/** Maximum number of errors in a message; the others are only counted. */
export const maxShownIssues = 50;

/** An error with one line per issue, in text order, each starting with `file:line:column`. */
export const specError = (file: string, issues: readonly Issue[]): UserError => {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted
    .slice(0, maxShownIssues)
    .map(({ line, column, path, what }) => `  ${file}:${line}:${column} ${path && `${path}: `}${what}`);
  const more = issues.length > maxShownIssues ? [`  … and ${issues.length - maxShownIssues} more`] : [];
  const count = issues.length === 1 ? 'there is 1 error' : `there are ${issues.length} errors`;
  return new UserError(
    'SpecInvalid',
    [`Reading the experiment spec ${file}: ${count}.`, ...lines, ...more].join('\n'),
  );
};
