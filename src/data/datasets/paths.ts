/** Files behind a path or a glob pattern, and which of them validate. */
import { glob, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { isInside } from '../../ground/base/inside.ts';
import { requireWithin } from '../../ground/base/limits.ts';

/** Hidden files, and the index files that DALI writes beside its records. */
const notARecord = /^(\.|idx-)/;

/** Sorted; hidden files and index files are left out. @throws UserError InputNotFound if there is none */
export const findRecordFiles = async (pattern: string): Promise<readonly string[]> => {
  const found = (await isFile(pattern)) ? [pattern] : await findMatches(pattern);
  if (found.length > 0) return found;
  throw new UserError(
    'InputNotFound',
    `Looking for TFRecords: no file matches ${pattern}. Check tfrecords_path in the spec, and that the data set is mounted there.`,
  );
};

/** The walk looks at every entry of every folder on its way, so these are counted, not the matches. */
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
  const found = await stat(path).catch(() => undefined); // Not there, or not readable: no file for us.
  return found?.isFile() ?? false;
};

/** Whether a file belongs to this fold, told by its path as TLT's converter names it. */
export const isOfFold = (path: string, fold: number): boolean =>
  path.includes(`fold-${String(fold).padStart(3, '0')}-of-`);

/** Relative paths of a spec lie below the data root, if there is one. */
export const resolveBelow = (path: string, root: string | undefined): string =>
  root === undefined || isAbsolute(path) ? path : join(root, path);

/** Links must not lead out of a claim. `path` need not exist. @throws UserError InputNotFound */
export const requireConfined = async (folder: string | undefined, path: string): Promise<void> => {
  if (folder === undefined) return;
  const real = await realpath(path).catch(() => undefined); // a missing file is reported by whoever opens it
  if (real === undefined || isInside(folder, real)) return;
  throw new UserError(
    'InputNotFound',
    `Opening ${path}: it is, or a link leads, outside the claim of the data root. Put the file itself below the data root.`,
  );
};

/** @throws UserError InputNotFound */
export const requireFolder = async (path: string, what: string): Promise<void> => {
  const found = await stat(path).catch((thrown: unknown) => {
    throw new UserError('InputNotFound', `Opening the ${what} ${path}: ${messageOf(thrown)}. ${remedy}`, {
      cause: thrown,
    });
  });
  if (!found.isDirectory())
    throw new UserError('InputNotFound', `Opening the ${what} ${path}: it is not a folder. ${remedy}`);
};

const remedy = 'Check the path in the spec, and that the data set is mounted there.';
