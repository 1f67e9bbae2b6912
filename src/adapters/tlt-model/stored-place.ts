/** Where `tlt-model fetch` reads: folders of this machine, or object storage. */
import { open, readdir, stat } from 'node:fs/promises';
import { systemCodeOf } from '../../ground/base/errors.ts';
import { readChunks, readRegular, untilAborted } from '../../ground/base/readable.ts';
import { isS3Uri, parseS3Uri } from '../../ground/base/s3-uri.ts';
import { checkContent, type ExpectedContent, verifyChunks } from '../../ground/base/verified-chunks.ts';
import type { ModelValues } from '../../ground/contract/model-programs.ts';
import { defaultPathStyle, type S3Settings } from '../../ground/contract/s3-settings.ts';
import { openInput } from '../cli/input-file.ts';
import { openS3 } from '../storage/s3/open-s3.ts';
import type { S3Store } from '../storage/s3/s3-store.ts';

/** A file, and what its content must be. */
export type StoredCopy = ExpectedContent & { readonly path: string };

/** Folders and files by path or URI. */
export type StoredPlace = {
  readonly isFile: (path: string) => Promise<boolean>;
  /** Names in a folder; empty if it does not exist. */
  readonly list: (folder: string) => Promise<readonly string[]>;
  /** Content of a manifest; undefined if it does not exist. @throws UserError InputNotFound if it is too large to be one */
  readonly readManifest: (path: string) => Promise<Uint8Array | undefined>;
  /** Fills an empty file. @throws UserError InputNotFound, DigestMismatch */
  readonly copy: (file: StoredCopy, unfinished: string) => Promise<void>;
};

type Opening = {
  readonly source: string;
  readonly values: ModelValues<'fetch'>;
  readonly warn: (message: string) => void;
  /** See `RetryPolicy.random`. */
  readonly random: () => number;
  readonly signal: AbortSignal;
};

/** Opens the place of a source. @throws UserError as `openS3` */
export const openPlace = async ({ source, values, warn, random, signal }: Opening): Promise<StoredPlace> => {
  if (!isS3Uri(source)) return onThisMachine(signal);
  const { s3_credentials: credentials = '', s3_ca: authority = '' } = values;
  const places = { credentials, authority, scratch: '' };
  const use = { settings: settingsOf(values), warn, random };
  return inObjectStorage(await openS3(source, places, use), signal);
};

const settingsOf = ({
  s3_endpoint: endpoint,
  s3_region: region,
  s3_credentials: credentials,
  s3_ca: authority,
}: ModelValues<'fetch'>): S3Settings => ({
  ...(endpoint !== undefined && { endpoint }),
  region,
  pathStyle: defaultPathStyle(endpoint),
  credentials: credentials === undefined ? 'Environment' : 'Files',
  ...(authority !== undefined && { hasAuthority: true }),
  scratchBytes: 0, // Copies are written where they belong.
});

const onThisMachine = (signal: AbortSignal): StoredPlace => ({
  isFile: async (path) => (await stat(path).catch(() => undefined))?.isFile() === true,
  list: async (folder) => {
    try {
      return (await readdir(folder)).sort();
    } catch (thrown) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(thrown) ?? '')) return [];
      throw thrown;
    }
  },
  readManifest: async (path) => readRegular(path, 'manifestBytes'),
  copy: async (copy, unfinished) => {
    using input = await openInput(copy.path);
    await using output = await open(unfinished, 'r+');
    await output.writeFile(verifyChunks(untilAborted(readChunks(input), signal), copy.path, copy));
  },
});

const inObjectStorage = (store: S3Store, signal: AbortSignal): StoredPlace => ({
  // Listing first: a folder of an export is what most commands name.
  isFile: async (path) =>
    (await store.list(path, signal)).length === 0 && (await store.isObject(path, signal)),
  // Above a file may be the bucket itself, which is no folder of an export.
  list: async (folder) =>
    parseS3Uri(folder) === undefined ? [] : [...(await store.list(folder, signal))].sort(),
  readManifest: (path) => store.read(path, 'manifestBytes', signal),
  copy: async (copy, unfinished) => {
    await using output = await open(unfinished, 'r+');
    let check = checkContent(copy.path, copy);
    const begin = async (): Promise<void> => {
      check = checkContent(copy.path, copy);
      await output.truncate(0); // The object was replaced while it was read, or arrived damaged.
    };
    const write = async (bytes: Uint8Array): Promise<void> => {
      const at = check.size();
      check.add(bytes);
      await output.write(bytes, 0, bytes.length, at);
    };
    await store.send(copy.path, { begin, write }, signal);
    check.finish();
  },
});
