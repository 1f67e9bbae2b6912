/**
 * Files that appear whole or not at all: written without a name (or under a hidden one in the same folder, where the system
 * cannot), made safe on the disk by fsync, then given their name in one step. Several files get their names together, when
 * the last of them is whole.
 */
import { access, constants, lstat, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf, UserError } from './errors.ts';
import type { FailureReason } from './failures.ts';
import { beginFile, type UnfinishedFile } from './unfinished-file.ts';

export type WriteOptions = {
  /** Whether a file of that name is replaced. If not, an existing one stays as it is, even against a racing writer. */
  readonly overwrite: boolean;
  /** Whether only this user may read it: what an encrypted model holds. */
  readonly isPrivate?: boolean;
};

/** Bytes or text, or pieces that are made as they are written. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array>;

/**
 * Writes `content` to `path`; its folder must exist.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull, and what making a piece throws
 */
export const writeWholeFile = (path: string, content: FileContent, options: WriteOptions): Promise<void> =>
  makeWholeFile(path, (unfinished) => fill(unfinished, content), options);

/**
 * The same for a file that is too large for memory: `make` writes it at the path it is given, where an empty file exists.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull, and what `make` throws
 */
export const makeWholeFile = async (
  path: string,
  make: (writeUnfinished: string) => Promise<void>,
  options: WriteOptions,
): Promise<void> => {
  await using outputs = makeOutputs();
  await outputs.make(path, make, options);
  await outputs.publish();
};

/** Files of one run. None has its name before `publish`; disposed of without it, none is left. */
export type Outputs = AsyncDisposable & {
  /** @throws as `writeWholeFile` */
  readonly write: (path: string, content: FileContent, options?: WriteOptions) => Promise<void>;
  /** @throws as `makeWholeFile` */
  readonly make: (
    path: string,
    make: (unfinished: string) => Promise<void>,
    options?: WriteOptions,
  ) => Promise<void>;
  /** Where the content of an output of this run can be read now; the path itself if it is of no output. */
  readonly placeOf: (path: string) => string;
  /**
   * Gives all files their names; if one name cannot be given, those that were are taken back.
   * @throws UserError OutputExists, OutputUnwritable, DiskFull
   */
  readonly publish: () => Promise<void>;
};

export const makeOutputs = (): Outputs => {
  const written: Written[] = [];
  const make: Outputs['make'] = async (path, fillIt, options = { overwrite: false }) => {
    written.push(await unfinished(path, fillIt, options));
  };
  return {
    make,
    write: (path, content, options) => make(path, (place) => fill(place, content), options),
    placeOf: (path) => written.find((each) => each.path === path)?.file.path ?? path,
    publish: () => publish(written),
    [Symbol.asyncDispose]: async () => {
      for (const { file } of written) await file.close().catch(() => undefined); // an earlier failure says more
    },
  };
};

type Written = { readonly path: string; readonly file: UnfinishedFile; readonly options: WriteOptions };

const unfinished = async (
  path: string,
  make: (unfinished: string) => Promise<void>,
  options: WriteOptions,
): Promise<Written> => {
  if (!options.overwrite) await refuseToOverwrite(path);
  let file: UnfinishedFile | undefined;
  try {
    file = await beginFile(path, options.isPrivate ? 0o600 : 0o666);
    await make(file.path);
    await syncFile(file.path);
    return { path, file, options };
  } catch (thrown) {
    await file?.close().catch(() => undefined); // the failure says more than this one would
    throw outputFailure(thrown, path);
  }
};

const publish = async (written: readonly Written[]): Promise<void> => {
  const outcomes = await Promise.allSettled(written.map(({ file, options }) => file.name(options)));
  const failed = outcomes.findIndex(({ status }) => status === 'rejected');
  if (failed >= 0) {
    const named = written.filter(
      ({ options }, at) => outcomes[at]!.status === 'fulfilled' && !options.overwrite,
    );
    for (const { path } of named) await rm(path, { force: true });
    throw outputFailure((outcomes[failed] as PromiseRejectedResult).reason, written[failed]!.path);
  }
  for (const folder of new Set(written.map(({ path }) => dirname(path)))) await syncFolder(folder);
};

/**
 * Asks before long work whether the output's name is still free.
 * @throws UserError OutputExists
 */
export const refuseToOverwrite = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined); // if the look fails, the writing fails with the reason
  if (found) throw outputExists(path);
};

/**
 * Asks before long work whether the output's folder exists and may be written.
 * @throws UserError OutputUnwritable
 */
export const requireWritableFolder = async (path: string): Promise<void> => {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (thrown) {
    throw outputFailure(thrown, path);
  }
};

/** What a failed write means to the user: a UserError, or the thrown thing itself where no sentence fits. */
export const outputFailure = (thrown: unknown, path: string): unknown => {
  const code = systemCodeOf(thrown);
  if (thrown instanceof UserError || code === undefined) return thrown;
  if (code === 'EEXIST') return outputExists(path);
  const row = rows[code];
  return row ? new UserError(row[0], `Writing ${path}: ${row[1]}`, { cause: thrown }) : thrown;
};

/** For a writer that does not pass the system's error on. */
export const diskFull = (path: string, cause: unknown): UserError =>
  new UserError('DiskFull', `Writing ${path}: ${rows.ENOSPC![1]}`, { cause });

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
    'a folder of that name exists. Name a file inside it, or choose another path.',
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
  ELOOP: ['OutputUnwritable', 'its symbolic links form a cycle. Choose another path.'],
};

const outputExists = (path: string): UserError =>
  new UserError(
    'OutputExists',
    `Writing ${path}: it exists already and was left as it is. Remove it, or choose another name.`,
  );

const fill = async (unfinished: string, content: FileContent): Promise<void> => {
  await using file = await open(unfinished, 'r+');
  await file.writeFile(content);
};

const syncFile = async (path: string): Promise<void> => {
  await using file = await open(path, 'r+');
  await file.sync();
};

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, 'r');
  // Some network file systems cannot sync a folder; the file itself is safe by then.
  await handle.sync().catch(() => undefined);
};
