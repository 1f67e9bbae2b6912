/** Stores artifacts in S3, or in another store with its API. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Clock } from '../../../ground/base/clock.ts';
import { sha256 } from '../../../ground/base/digest.ts';
import { UserError } from '../../../ground/base/errors.ts';
import type { RemoteFolder } from '../../../ground/base/remote-folder.ts';
import { parseS3Uri } from '../../../ground/base/s3-uri.ts';
import { outputFailure } from '../../../ground/base/whole-file.ts';
import { fileIn } from '../../../ground/contract/layout.ts';
import type { ArtifactStore, FileDigest } from '../store.ts';
import { abortAbandoned } from './abandoned.ts';
import type { S3Connection } from './client.ts';
import { findObject, listFolder, removeObject } from './objects.ts';
import { type ContentSink, type ReadContext, readObject, readWhole, type S3Object } from './read-object.ts';
import { makeRetries, type RetryPolicy } from './retry.ts';
import type { ScratchSpace } from './scratch.ts';
import { stageObjects } from './staging.ts';
import { writeObject } from './write-object.ts';

/** What the store needs. */
export type S3StoreContext = {
  readonly connect: () => Promise<S3Connection>;
  readonly scratch: ScratchSpace;
  readonly retryPolicy: RetryPolicy;
  /** See `ReadContext.idleMs`. */
  readonly idleMs: number;
  /** For the age of uploads, and to notice that no byte arrives. */
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
};

/** Storage of artifacts from which a file can be read without a place on disk. */
export type S3Store = ArtifactStore & {
  /** Whether an object has this name. @throws UserError StorageUnavailable, StorageDenied */
  readonly isObject: (uri: string, signal: AbortSignal) => Promise<boolean>;
  /** Sends the content of the file to the sink. @throws as `readObject` */
  readonly send: (uri: string, sink: ContentSink, signal: AbortSignal) => Promise<void>;
};

/** Makes a store. It connects when it is first used. */
export const makeS3Store = ({ connect, scratch, retryPolicy, idleMs, clock }: S3StoreContext): S3Store => {
  let connection: Promise<S3Connection> | undefined;
  const contextFor = async (signal: AbortSignal): Promise<ReadContext> => {
    connection ??= connect();
    return { ...(await connection), retries: makeRetries(retryPolicy, signal), signal, clock, idleMs };
  };
  const fetched = new Map<string, Promise<string>>();
  const fetch = async (uri: string, signal: AbortSignal): Promise<string> => {
    const known = fetched.get(uri) ?? download(objectOf(uri), scratch, await contextFor(signal));
    fetched.set(uri, known);
    known.catch(() => fetched.delete(uri));
    return known;
  };
  return {
    fetch,
    isObject: async (uri, signal) =>
      (await findObject(objectOf(uri), await contextFor(signal))) !== undefined,
    send: async (uri, sink, signal) => readObject(objectOf(uri), sink, await contextFor(signal)),
    requireRoom: async (uris, signal) => {
      const context = await contextFor(signal);
      const find = async (uri: string) => ({
        uri,
        sizeBytes: (await findObject(objectOf(uri), context))?.sizeBytes ?? 0,
      });
      scratch.requireRoom(await Promise.all(uris.map(find)));
    },
    openFolder: async (uri, signal) => ({
      kind: 'Remote',
      folder: openRemote(uri, await contextFor(signal)),
    }),
    hasContent: async (uri, expected, signal) =>
      hasContent(objectOf(uri), expected, await contextFor(signal)),
    read: async (uri, limit, signal) => {
      const context = await contextFor(signal);
      const object = objectOf(uri);
      return (await findObject(object, context)) && readWhole(object, limit, context);
    },
    put: async (uri, bytes, signal) => {
      const digest = sha256(bytes);
      await writeObject(objectOf(uri), { bytes, sha256: digest, mode: 'Replace' }, await contextFor(signal));
      return { sha256: digest, sizeBytes: bytes.byteLength };
    },
    create: async (uri, bytes, signal) =>
      writeObject(objectOf(uri), { bytes, sha256: sha256(bytes), mode: 'Create' }, await contextFor(signal)),
    remove: async (uri, signal) => removeObject(objectOf(uri), await contextFor(signal)),
    list: async (uri, signal) => {
      const { files, folders } = await listFolder(objectOf(uri), await contextFor(signal));
      return [...files.map(({ name }) => name), ...folders];
    },
    stage: (uri, signal) => {
      const begin = async () => {
        const context = await contextFor(signal);
        await abortAbandoned(objectOf(uri), clock.now(), context);
        return context;
      };
      return stageObjects((file) => objectOf(fileIn(uri, file)), { scratch, begin });
    },
  };
};

/** @throws UserError InputNotFound */
const objectOf = (uri: string): S3Object => {
  const parsed = parseS3Uri(uri);
  if (parsed) return { uri, ...parsed };
  throw new UserError(
    'InputNotFound',
    `Opening ${uri}: the URI is not of the form s3://<bucket>/<key>, without empty, . or .. segments. Correct it.`,
  );
};

/** Fetches the object into scratch space, whole and with the checksum of the storage. */
const download = async (object: S3Object, scratch: ScratchSpace, context: ReadContext): Promise<string> => {
  const path = await scratch.makePath();
  await using file = await open(path, 'w', 0o600);
  let isReserved = false;
  let at = 0;
  const begin = (sizeBytes: number): void => {
    if (!isReserved) scratch.reserve({ uri: object.uri, sizeBytes });
    isReserved = true;
    at = 0;
  };
  const write = async (bytes: Uint8Array): Promise<void> => {
    try {
      await file.write(bytes, 0, bytes.length, at);
    } catch (thrown) {
      throw outputFailure(thrown, `the scratch file of ${object.uri}`);
    }
    at += bytes.length;
  };
  await readObject(object, { begin, write }, context);
  await file.truncate(at); // An object that was replaced by a shorter one was written over the longer one.
  return path;
};

const openRemote = (uri: string, context: ReadContext): RemoteFolder => {
  const folder = objectOf(uri);
  let files: ReturnType<RemoteFolder['list']> | undefined;
  const list = async () => {
    const listing = await listFolder(folder, context);
    if (listing.files.length > 0) return listing.files;
    throw new UserError(
      'InputNotFound',
      `Listing ${uri}: no object has a name that starts with ${folder.key}/. Correct the URI, or upload the objects.`,
    );
  };
  return {
    uri,
    list: () => {
      files ??= list();
      return files;
    },
    read: (name) => readWhole(objectOf(fileIn(uri, name)), 'pictureBytes', context),
  };
};

const hasContent = async (
  object: S3Object,
  { sha256: expected, sizeBytes }: FileDigest,
  context: ReadContext,
): Promise<boolean> => {
  if ((await findObject(object, context))?.sizeBytes !== sizeBytes) return false;
  let hash = createHash('sha256');
  const sink = {
    begin: () => {
      hash = createHash('sha256');
    },
    write: (bytes: Uint8Array) => void hash.update(bytes),
  };
  await readObject(object, sink, context);
  return hash.digest('hex') === expected;
};
