/** Resolves paths and glob patterns of a spec, and assigns record files to folds. */
import { glob, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { isInside } from '../../ground/base/inside.ts';
import { requireWithin } from '../../ground/base/limits.ts';

/** Hidden files, and the index files that DALI writes next to its records. */
const notARecord = /^(\.|idx-)/;

/**
 * Files that match the path or glob pattern, sorted, without hidden and index files. @throws UserError InputNotFound if none
 * matches
 */
export const findRecordFiles = async (pattern: string): Promise<readonly string[]> => {
  const found = (await isFile(pattern)) ? [pattern] : await findMatches(pattern);
  if (found.length > 0) return found;
  throw new UserError(
    'InputNotFound',
    `Looking for TFRecords: no file matches ${pattern}. Check tfrecords_path in the spec, and that the data set is mounted at that path.`,
  );
};

/** Limits visited entries, not matches: the walk visits every entry of every folder on its way. */
const findMatches = async (pattern: string): Promise<readonly string[]> => {
  let visited = 0;
  const count = (): boolean => {
    visited += 1;
    const found = `Looking for TFRecords: the pattern ${pattern} leads through`;
    requireWithin('globEntries', { claimed: visited, reason: 'SpecInvalid', found });
    return false;
  };
  const found: string[] = [];
  for await (const path of glob(pattern, { exclude: count }))
    if (!notARecord.test(basename(path)) && (await isFile(path))) found.push(path);
  return found.sort();
};

const isFile = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined); // missing, or not readable
  return found?.isFile() ?? false;
};

/** Whether a record file belongs to this fold, by the name that TLT's converter gives it: `…fold-000-of-002…`. */
export const isOfFold = (path: string, fold: number): boolean =>
  path.includes(`fold-${String(fold).padStart(3, '0')}-of-`);

/** Joins a relative path of a spec to the data root; returns absolute paths unchanged. */
export const resolveBelow = (path: string, root: string | undefined): string =>
  root === undefined || isAbsolute(path) ? path : join(root, path);

/** Checks that no link leads out of `folder`, the mounted claim. `path` need not exist. @throws UserError InputNotFound */
export const requireConfined = async (folder: string | undefined, path: string): Promise<void> => {
  if (folder === undefined) return;
  const real = await realpath(path).catch(() => undefined); // the caller that opens a missing file reports it
  if (real === undefined || isInside(folder, real)) return;
  throw new UserError(
    'InputNotFound',
    `Opening ${path}: the path, or a link in it, leads outside the claim of the data root. Store the file itself below the data root.`,
  );
};

/** Checks that `path` is a folder; `what` describes it in the error. @throws UserError InputNotFound */
export const requireFolder = async (path: string, what: string): Promise<void> => {
  const found = await stat(path).catch((thrown: unknown) => {
    throw new UserError('InputNotFound', `Opening the ${what} ${path}: ${messageOf(thrown)}. ${remedy}`, {
      cause: thrown,
    });
  });
  if (!found.isDirectory())
    throw new UserError('InputNotFound', `Opening the ${what} ${path}: it is not a folder. ${remedy}`);
};

const remedy = 'Check the path in the spec, and that the data set is mounted at that path.';
