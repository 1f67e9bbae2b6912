/**
 * A file that is being written. If the system supports O_TMPFILE, the file has no name until it is complete, so the kernel
 * removes it however the process dies. Otherwise it has a hidden name in its folder, which a SIGKILL leaves behind.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, lstat, open, readlink, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from './errors.ts';
import { canNameFiles, nameTogether } from './name-files.ts';
import { reportTemporary } from './temporaries.ts';

export type UnfinishedFile = {
  /** Path for reading and writing until the file is named. The file exists and is empty. */
  readonly path: string;
  /** Of a file without a name; undefined if it has a hidden one. */
  readonly descriptor?: number;
  /** Gives the file its final name; throws EEXIST if the name exists and `overwrite` is false. */
  readonly name: (options: { readonly overwrite: boolean }) => Promise<void>;
  /** Closes the file; it is removed unless it was named. */
  readonly close: () => Promise<void>;
};

/** Permission bits, before the umask is applied. */
export type FileMode = 0o600 | 0o666;

/** Creates an empty file that can later be named `target`. Throws system errors as they are. */
export const beginFile = async (target: string, mode: FileMode): Promise<UnfinishedFile> => {
  const handle = await openUnnamed(dirname(target), mode);
  return handle ? unnamedFile(handle, target) : namedFile(target, mode);
};

/** A path that other processes of this user can open: `/proc/self` is replaced by `/proc/<pid>`. */
export const pathForOthers = async (path: string): Promise<string> =>
  path.replace(/^\/proc\/self\//, `/proc/${await readlink('/proc/self').catch(() => 'self')}/`);

/**
 * `.model.etlt.4f1d….partial`: hidden, easy to clean up, and in the same folder because rename cannot cross file systems.
 */
export const temporaryNameOf = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);

/** Linux's __O_TMPFILE, which is O_TMPFILE together with O_DIRECTORY. */
const tmpfileBit = 0o20000000;

/** Undefined if unsupported or if the folder is not writable; creating a named file then fails with the reason. */
const openUnnamed = async (folder: string, mode: FileMode): Promise<FileHandle | undefined> => {
  if (!(await canNameFiles())) return undefined;
  return open(folder, tmpfileBit | constants.O_DIRECTORY | constants.O_RDWR, mode).catch(() => undefined);
};

const unnamedFile = (handle: FileHandle, target: string): UnfinishedFile => {
  const path = `/proc/self/fd/${handle.fd}`;
  return {
    path,
    descriptor: handle.fd,
    name: async ({ overwrite }) => {
      try {
        await linkUnnamed(handle.fd, target);
      } catch (thrown) {
        if (!overwrite || systemCodeOf(thrown) !== 'EEXIST') throw thrown;
        await replace(handle.fd, target);
      }
    },
    close: () => handle.close(),
  };
};

const namedFile = async (target: string, mode: FileMode): Promise<UnfinishedFile> => {
  const path = temporaryNameOf(target);
  reportTemporary(path, true);
  await (await open(path, 'wx', mode)).close();
  return {
    path,
    name: ({ overwrite }) => (overwrite ? rename(path, target) : linkOnce(path, target)),
    close: async () => {
      await rm(path, { force: true });
      reportTemporary(path, false);
    },
  };
};

const replace = async (descriptor: number, target: string): Promise<void> => {
  const temporary = temporaryNameOf(target);
  await linkUnnamed(descriptor, temporary);
  try {
    await rename(temporary, target);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
};

/** `link` fails if the name exists, where `rename` would replace it: no race between check and naming. */
const linkOnce = async (temporary: string, target: string): Promise<void> => {
  try {
    await link(temporary, target);
  } catch (thrown) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCodeOf(thrown) ?? ''))
      throw thrown;
    await assertFree(target); // a file system without hard links; the check is not atomic there
    await rename(temporary, target);
  }
};

const assertFree = async (target: string): Promise<void> => {
  const found = await lstat(target).catch(() => undefined);
  if (found) throw Object.assign(new Error(`EEXIST: ${target} exists`), { code: 'EEXIST' });
};

/** Names an unnamed file; copies it on file systems that support O_TMPFILE but not linking. */
const linkUnnamed = async (descriptor: number, target: string): Promise<void> => {
  if (await nameTogether([{ descriptor, target }])) return;
  await assertFree(target);
  const temporary = temporaryNameOf(target);
  try {
    await copyFile(`/proc/self/fd/${descriptor}`, temporary, constants.COPYFILE_EXCL);
    await linkOnce(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
};
