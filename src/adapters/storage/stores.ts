/** The storage of a container: claims and object storage, chosen by the scheme of each URI. */
import { isS3Uri } from '../../ground/base/s3-uri.ts';
import { makePvcStore } from './pvc.ts';
import { openS3, type S3StorePlaces, type S3Use } from './s3/open-s3.ts';
import type { ArtifactStore, Staging } from './store.ts';

/** Where a container finds its storage. */
export type StoragePlaces = S3StorePlaces & {
  /** Folder of the mounted claims. */
  readonly claims: string;
};

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
    read: async (uri, limit, signal) => (await storeOf(uri)).read(uri, limit, signal),
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
