/** The storage of a container: claims and object storage, chosen by the scheme of each URI. */
import { systemClock } from '../../ground/base/clock.ts';
import { UserError } from '../../ground/base/errors.ts';
import { isS3Uri } from '../../ground/base/s3-uri.ts';
import type { S3Settings } from '../../ground/contract/s3-settings.ts';
import { makePvcStore } from './pvc.ts';
import type { S3Places } from './s3/client.ts';
import type { ArtifactStore, Staging } from './store.ts';

/** Where a container finds its storage. */
export type StoragePlaces = S3Places & {
  /** Folder of the mounted claims. */
  readonly claims: string;
  /** Folder for scratch files. */
  readonly scratch: string;
};

/** Object storage, and who hears that it makes us wait. */
export type S3Use = {
  readonly settings: S3Settings | undefined;
  readonly warn: (message: string) => void;
  /** See `RetryPolicy.random`. */
  readonly random: () => number;
};

/** Milliseconds without a byte after which a connection counts as cut. */
const idleMs = 30_000;

/** Makes the storage of a container. The SDK is loaded when the first `s3://` URI is used. */
export const makeStores = (places: StoragePlaces, s3: S3Use): ArtifactStore => {
  const claims = makePvcStore(places.claims);
  let objects: Promise<ArtifactStore> | undefined;
  const storeOf = async (uri: string): Promise<ArtifactStore> => {
    if (!isS3Uri(uri)) return claims;
    objects ??= openS3(uri, places, s3);
    return objects;
  };
  return {
    requireRoom: async (uris, signal) => {
      const [first, ...others] = uris.filter(isS3Uri);
      if (first !== undefined) await (await storeOf(first)).requireRoom([first, ...others], signal);
    },
    fetch: async (uri, signal) => (await storeOf(uri)).fetch(uri, signal),
    openFolder: async (uri, signal) => (await storeOf(uri)).openFolder(uri, signal),
    hasContent: async (uri, expected, signal) => (await storeOf(uri)).hasContent(uri, expected, signal),
    read: async (uri, signal) => (await storeOf(uri)).read(uri, signal),
    put: async (uri, bytes, signal) => (await storeOf(uri)).put(uri, bytes, signal),
    create: async (uri, bytes, signal) => (await storeOf(uri)).create(uri, bytes, signal),
    remove: async (uri, signal) => (await storeOf(uri)).remove(uri, signal),
    list: async (uri, signal) => (await storeOf(uri)).list(uri, signal),
    stage: (uri, signal) =>
      isS3Uri(uri) ? stageLater(storeOf(uri), uri, signal) : claims.stage(uri, signal),
  };
};

/** A group in a store that is opened when the first file is made. */
const stageLater = (opening: Promise<ArtifactStore>, folder: string, signal: AbortSignal): Staging => {
  const staging = opening.then((store) => store.stage(folder, signal));
  staging.catch(() => undefined); // `make` reports it.
  return {
    make: async (file, write) => (await staging).make(file, write),
    publish: async () => (await staging).publish(),
    withdraw: async () => (await staging).withdraw(),
    [Symbol.asyncDispose]: async () => {
      const opened = await staging.catch(() => undefined); // Nothing was made, so nothing is left.
      await opened?.[Symbol.asyncDispose]();
    },
  };
};

const openS3 = async (
  uri: string,
  places: StoragePlaces,
  { settings, warn, random }: S3Use,
): Promise<ArtifactStore> => {
  if (settings === undefined)
    throw new UserError(
      'InputNotFound',
      `Opening ${uri}: no settings of object storage are given. Set spec.s3.`,
    );
  const [{ connectS3 }, { makeScratchSpace }, { patientRetries }, { makeS3Store }] = await Promise.all([
    import('./s3/client.ts'),
    import('./s3/scratch.ts'),
    import('./s3/retry.ts'),
    import('./s3/s3-store.ts'),
  ]);
  return makeS3Store({
    connect: () => connectS3(settings, places),
    scratch: makeScratchSpace(places.scratch, settings.scratchBytes),
    retryPolicy: { ...patientRetries, clock: systemClock, random, warn },
    idleMs,
    clock: systemClock,
  });
};
