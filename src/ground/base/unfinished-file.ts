/**
 * A file that is being written. Where the system allows it the file has no name until it is whole (O_TMPFILE), so that the
 * kernel drops it when the process dies in any way. Elsewhere it has a hidden name in its folder, which a kill leaves.
 * Node has no linkat(2), which gives such a file its name; `ln -L` of GNU coreutils calls it.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, lstat, open, readlink, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf } from './errors.ts';
import { reportTemporary } from './temporaries.ts';

export type UnfinishedFile = {
  /** Where it is written and read until it has its name. It exists, and is empty. */
  readonly path: string;
  /** Gives the file its name; throws EEXIST where that is taken and nothing may be replaced. */
  readonly name: (options: { readonly overwrite: boolean }) => Promise<void>;
  /** Closes it; without a name it is gone. */
  readonly close: () => Promise<void>;
};

/** Bits of a file's mode, less the umask of the process. */
export type FileMode = 0o600 | 0o666;

/** Throws what the system says. */
export const beginFile = async (target: string, mode: FileMode): Promise<UnfinishedFile> => {
  const handle = await openUnnamed(dirname(target), mode);
  return handle ? unnamedFile(handle, target) : namedFile(target, mode);
};

/** The same path for another process of this user. */
export const pathForOthers = async (path: string): Promise<string> =>
  path.replace(/^\/proc\/self\//, `/proc/${await readlink('/proc/self').catch(() => 'self')}/`);

/** `.model.etlt.4f1d….partial`: hidden, in the same folder (a rename cannot leave its file system), easy to sweep. */
export const temporaryNameOf = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);

/** Linux's __O_TMPFILE, which is O_TMPFILE together with O_DIRECTORY. */
const tmpfileBit = 0o20000000;

/** Undefined where this cannot be had, or the folder cannot be written: a named file fails with the reason. */
const openUnnamed = async (folder: string, mode: FileMode): Promise<FileHandle | undefined> => {
  if (!(await canNameUnnamed())) return undefined;
  return open(folder, tmpfileBit | constants.O_DIRECTORY | constants.O_RDWR, mode).catch(() => undefined);
};

const unnamedFile = (handle: FileHandle, target: string): UnfinishedFile => {
  const path = `/proc/self/fd/${handle.fd}`;
  return {
    path,
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

/** `link` fails where `rename` would replace: no moment between looking and naming. */
const linkOnce = async (temporary: string, target: string): Promise<void> => {
  try {
    await link(temporary, target);
  } catch (thrown) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCodeOf(thrown) ?? ''))
      throw thrown;
    await assertFree(target); // a file system without hard links: the best it offers
    await rename(temporary, target);
  }
};

const assertFree = async (target: string): Promise<void> => {
  const found = await lstat(target).catch(() => undefined);
  if (found) throw Object.assign(new Error(`EEXIST: ${target} exists`), { code: 'EEXIST' });
};

/** A file system that makes files without a name and cannot name them gets a copy. */
const linkUnnamed = async (descriptor: number, target: string): Promise<void> => {
  if ((await runLn(['-L', '-T', '--', '/proc/self/fd/3', target], descriptor)) !== undefined) return;
  await assertFree(target);
  const temporary = temporaryNameOf(target);
  try {
    await copyFile(`/proc/self/fd/${descriptor}`, temporary, constants.COPYFILE_EXCL);
    await linkOnce(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
};

let found: Promise<boolean> | undefined;

/** Asked once for a process. */
const canNameUnnamed = (): Promise<boolean> => {
  found ??= runLn(['--version']).then((output) => output?.includes('coreutils') ?? false);
  return found;
};

/** Its output; undefined where it fails. The child has the descriptor as its number 3. */
const runLn = (args: readonly string[], descriptor?: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const extra = descriptor === undefined ? [] : [descriptor];
    const child = spawn('ln', args, { stdio: ['ignore', 'pipe', 'ignore', ...extra], env: { LC_ALL: 'C' } });
    let output = '';
    child.stdout?.on('data', (part: Buffer) => {
      output += part.toString();
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 0 ? output : undefined));
  });
