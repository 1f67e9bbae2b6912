/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, made safe on the disk
 * (fsync), then given their name in one step. A failure or a kill leaves nothing under the final name.
 */
import { randomBytes } from 'node:crypto';
import { access, constants, link, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf, UserError } from './errors.ts';
import type { FailureReason } from './failures.ts';
import { withTemporary } from './temporaries.ts';

export type WriteOptions = {
  /** Whether a file of that name is replaced. If not, one that is there stays as it is, even against a racing writer. */
  readonly overwrite: boolean;
};

/** Bytes or text, or pieces that are made as they are written. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array>;

/**
 * Writes `content` to `path`; its folder must exist.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull, and what making a piece throws
 */
export const writeWholeFile = (path: string, content: FileContent, options: WriteOptions): Promise<void> =>
  makeWholeFile(path, (temporary) => writeNew(temporary, content), options);

/**
 * The same for a file that is too large for memory: `make` creates it under the name it is given, and the file gets
 * its own name when `make` has ended.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull, and what `make` throws
 */
export const makeWholeFile = async (
  path: string,
  make: (temporary: string) => Promise<void>,
  { overwrite }: WriteOptions,
): Promise<void> => {
  if (!overwrite) await refuseToOverwrite(path);
  const temporary = temporaryNameOf(path);
  await withTemporary(temporary, () => named(temporary, path, { make, overwrite }));
};

type Making = WriteOptions & { readonly make: (temporary: string) => Promise<void> };

const named = async (temporary: string, path: string, { make, overwrite }: Making): Promise<void> => {
  try {
    await make(temporary);
    await syncFile(temporary);
    await (overwrite ? rename(temporary, path) : linkOnce(temporary, path));
    await syncFolder(dirname(path));
  } catch (thrown) {
    throw outputFailure(thrown, path);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined); // the failure above says more than this one would
  }
};

/**
 * Asks before long work whether the output's name is still free.
 * @throws UserError OutputExists
 */
export const refuseToOverwrite = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined); // what hinders the look will hinder the writing, with its reason
  if (found) throw takenBy(path);
};

/**
 * Asks before long work whether the output's folder is there and may be written.
 * @throws UserError OutputUnwritable
 */
export const requireWritableFolder = async (path: string): Promise<void> => {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (thrown) {
    throw outputFailure(thrown, path);
  }
};

/** `.model.etlt.4f1d….partial`: hidden, in the same folder (a rename cannot leave its file system), easy to sweep. */
export const temporaryNameOf = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);

/** What a failed write means to the user: a UserError, or the thrown thing itself where no sentence fits. */
export const outputFailure = (thrown: unknown, path: string): unknown => {
  const code = systemCodeOf(thrown);
  if (thrown instanceof UserError || code === undefined) return thrown;
  if (code === 'EEXIST') return takenBy(path);
  const row = rows[code];
  return row ? new UserError(row[0], `Writing ${path}: ${row[1]}`, { cause: thrown }) : thrown;
};

const rows: Readonly<Record<string, readonly [FailureReason, string]>> = {
  ENOSPC: [
    'DiskFull',
    'the disk is full; nothing was left behind. Free some space, or choose another folder.',
  ],
  EDQUOT: [
    'DiskFull',
    'the disk quota is used up; nothing was left behind. Raise it, or choose another folder.',
  ],
  ENOENT: ['OutputUnwritable', 'its folder does not exist. Create the folder, or choose another path.'],
  ENOTDIR: ['OutputUnwritable', 'a part of the path is a file, not a folder. Choose another path.'],
  EISDIR: [
    'OutputUnwritable',
    'a folder of that name is there. Name a file inside it, or choose another path.',
  ],
  EACCES: [
    'OutputUnwritable',
    'this user may not write there. Change the permissions, or choose another folder.',
  ],
  EPERM: [
    'OutputUnwritable',
    'the system does not permit it. Change the permissions, or choose another folder.',
  ],
  EROFS: ['OutputUnwritable', 'the file system is mounted read-only. Choose another folder.'],
  ENAMETOOLONG: ['OutputUnwritable', 'the name is too long for the file system. Choose a shorter one.'],
  ELOOP: ['OutputUnwritable', 'its symbolic links go round in a circle. Choose another path.'],
};

const takenBy = (path: string): UserError =>
  new UserError(
    'OutputExists',
    `Writing ${path}: it exists already and was left as it is. Remove it, or choose another name.`,
  );

const writeNew = async (path: string, content: FileContent): Promise<void> => {
  await using file = await open(path, 'wx');
  await file.writeFile(content);
};

const syncFile = async (path: string): Promise<void> => {
  await using file = await open(path, 'r+');
  await file.sync();
};

/** `link` fails where `rename` would replace: no moment between looking and naming. */
const linkOnce = async (temporary: string, path: string): Promise<void> => {
  try {
    await link(temporary, path);
  } catch (thrown) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCodeOf(thrown) ?? ''))
      throw thrown;
    await refuseToOverwrite(path); // a file system without hard links: the best it offers
    await rename(temporary, path);
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, 'r');
  // Some network file systems cannot sync a folder; the file itself is safe by then.
  await handle.sync().catch(() => undefined);
};
