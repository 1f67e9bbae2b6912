/**
 * Atomic file writes: a file is written without a name (or with a hidden one, if the system requires it), synced to disk, and
 * then named in one step. Several outputs are named together, after the last one is complete.
 */
import { access, constants, lstat, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf, UserError } from './errors.ts';
import type { FailureReason } from './failures.ts';
import { canNameFiles, nameTogether } from './name-files.ts';
import { beginFile, type UnfinishedFile } from './unfinished-file.ts';

export type WriteOptions = {
  /**
   * Whether to replace an existing file. If false, an existing file is never changed, even in a race with another writer.
   */
  readonly overwrite: boolean;
  /** Whether only this user may read the file (mode 0600): for plaintext models. */
  readonly isPrivate?: boolean;
};

/** Bytes, text, or chunks that are produced while they are written. */
export type FileContent = Uint8Array | string | Iterable<Uint8Array>;

/**
 * Writes `content` to `path` atomically; the folder must exist.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull; errors of producing a chunk
 */
export const writeWholeFile = (path: string, content: FileContent, options: WriteOptions): Promise<void> =>
  makeWholeFile(path, (unfinished) => fill(unfinished, content), options);

/**
 * Writes a file that is too large for memory: `make` gets the path of an empty file and fills it.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull; errors of `make`
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

/** Output files of one run. None is visible before `publish`; disposing without it removes all. */
export type Outputs = AsyncDisposable & {
  /** @throws as `writeWholeFile` */
  readonly write: (path: string, content: FileContent, options?: WriteOptions) => Promise<void>;
  /** @throws as `makeWholeFile` */
  readonly make: (
    path: string,
    make: (unfinished: string) => Promise<void>,
    options?: WriteOptions,
  ) => Promise<void>;
  /** Current path of an output that is not yet published; `path` itself if it is not an output of this run. */
  readonly placeOf: (path: string) => string;
  /**
   * Names all files. If naming one fails, the new names are removed again.
   * @throws UserError OutputExists, OutputUnwritable, DiskFull
   */
  readonly publish: () => Promise<void>;
};

/** Starts the output files of a run. */
export const makeOutputs = (): Outputs => {
  // Starts the shell: the larger the process is, the longer a start takes. A failure is reported when a file is begun.
  canNameFiles().catch(() => {});
  const written: Written[] = [];
  const make: Outputs['make'] = async (path, fillIt, options = { overwrite: false }) => {
    written.push(await writeUnfinished(path, fillIt, options));
  };
  return {
    make,
    write: (path, content, options) => make(path, (place) => fill(place, content), options),
    placeOf: (path) => written.find((each) => each.path === path)?.file.path ?? path,
    publish: () => publish(written),
    [Symbol.asyncDispose]: async () => {
      for (const { file } of written) await file.close().catch(() => undefined); // keep the earlier error
    },
  };
};

type Written = { readonly path: string; readonly file: UnfinishedFile; readonly options: WriteOptions };

const writeUnfinished = async (
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
    await file?.close().catch(() => undefined); // keep the original error
    throw outputFailure(thrown, path);
  }
};

const publish = async (written: readonly Written[]): Promise<void> => {
  if (!(await publishAtOnce(written))) await publishEach(written);
  for (const folder of new Set(written.map(({ path }) => dirname(path)))) await syncFolder(folder);
};

/** One file needs no help to appear at once; files that replace others, or have hidden names, cannot be named this way. */
const publishAtOnce = async (written: readonly Written[]): Promise<boolean> => {
  const files = written.flatMap(({ path, file: { descriptor }, options }) =>
    descriptor === undefined || options.overwrite ? [] : [{ descriptor, target: path }],
  );
  return files.length > 1 && files.length === written.length && nameTogether(files);
};

/** Names one file after the other; if one cannot be named, the names given so far are removed. */
const publishEach = async (written: readonly Written[]): Promise<void> => {
  const outcomes = await Promise.allSettled(written.map(({ file, options }) => file.name(options)));
  const failed = outcomes.findIndex(({ status }) => status === 'rejected');
  if (failed >= 0) {
    const named = written.filter(
      ({ options }, at) => outcomes[at]!.status === 'fulfilled' && !options.overwrite,
    );
    for (const { path } of named) await rm(path, { force: true });
    throw outputFailure((outcomes[failed] as PromiseRejectedResult).reason, written[failed]!.path);
  }
};

/**
 * Checks before long work that the output does not exist yet.
 * @throws UserError OutputExists
 */
export const refuseToOverwrite = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined); // if lstat fails, the write will fail too and report why
  if (found) throw outputExists(path);
};

/**
 * Checks before long work that the folder of the output exists and is writable.
 * @throws UserError OutputUnwritable
 */
export const requireWritableFolder = async (path: string): Promise<void> => {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (thrown) {
    throw outputFailure(thrown, path);
  }
};

/** Converts a system error of a write to a UserError; returns other errors unchanged. */
export const outputFailure = (thrown: unknown, path: string): unknown => {
  const code = systemCodeOf(thrown);
  if (thrown instanceof UserError || code === undefined) return thrown;
  if (code === 'EEXIST') return outputExists(path);
  const row = rows[code];
  return row ? new UserError(row[0], `Writing ${path}: ${row[1]}`, { cause: thrown }) : thrown;
};

/** The error of a full disk, for libraries that hide the system error. */
export const diskFull = (path: string, cause: unknown): UserError =>
  new UserError('DiskFull', `Writing ${path}: ${rows.ENOSPC![1]}`, { cause });

const rows: Readonly<Record<string, readonly [FailureReason, string]>> = {
  ENOSPC: [
    'DiskFull',
    'the disk is full; no partial file was left. Free some space, or choose another folder.',
  ],
  EDQUOT: [
    'DiskFull',
    'the disk quota is exceeded; no partial file was left. Raise the quota, or choose another folder.',
  ],
  ENOENT: ['OutputUnwritable', 'its folder does not exist. Create the folder, or choose another path.'],
  ENOTDIR: ['OutputUnwritable', 'a component of the path is a file, not a folder. Choose another path.'],
  EISDIR: ['OutputUnwritable', 'the path is an existing folder. Choose a file inside it, or another path.'],
  EACCES: ['OutputUnwritable', 'permission denied. Change the permissions, or choose another folder.'],
  EPERM: ['OutputUnwritable', 'operation not permitted. Change the permissions, or choose another folder.'],
  EROFS: ['OutputUnwritable', 'the file system is mounted read-only. Choose another folder.'],
  ENAMETOOLONG: ['OutputUnwritable', 'the name is too long for the file system. Choose a shorter one.'],
  ELOOP: ['OutputUnwritable', 'its symbolic links form a cycle. Choose another path.'],
};

const outputExists = (path: string): UserError =>
  new UserError(
    'OutputExists',
    `Writing ${path}: the file already exists and was not changed. Remove it, or choose another name.`,
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
  // Some network file systems cannot sync a folder; the file itself is already synced.
  await handle.sync().catch(() => undefined);
};
