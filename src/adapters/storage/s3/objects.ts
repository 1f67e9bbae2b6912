/** Requests about objects other than their content: what exists, and what is below a prefix. */
import type { Readable } from 'node:stream';
import type { ListedFile } from '../../../ground/base/remote-folder.ts';
import type { S3Connection } from './client.ts';
import { isAbsent, isNameless, isTransient } from './failures.ts';
import type { S3Object } from './read-object.ts';
import type { Retries } from './retry.ts';

/** What these requests need. */
export type RequestContext = S3Connection & { readonly retries: Retries; readonly signal: AbortSignal };

/** What the server knows of an object. */
export type ObjectFacts = { readonly sizeBytes: number; readonly writer: string | undefined };

/** Name of the metadata that tells which write made an object. */
export const writerMetadata = 'tlt-writer';

/** Facts of an object; undefined if it does not exist. @throws UserError StorageDenied, StorageUnavailable */
export const findObject = async (
  object: S3Object,
  context: RequestContext,
): Promise<ObjectFacts | undefined> => {
  const { uri, bucket } = object;
  try {
    const answer = await context.retries.run(
      { doing: `Looking for ${uri}`, bucket, writes: false },
      () => head(object, context),
      isAbsent,
    );
    return { sizeBytes: answer.ContentLength ?? 0, writer: answer.Metadata?.[writerMetadata] };
  } catch (thrown) {
    if (isAbsent(thrown)) return undefined;
    throw thrown;
  }
};

/** The refusal of HEAD has no name: the same server gives it to a read of one byte. */
const head = async ({ bucket: Bucket, key: Key }: S3Object, { sdk, client, signal }: RequestContext) => {
  const abort = { abortSignal: signal };
  const ask = () => client.send(new sdk.HeadObjectCommand({ Bucket, Key }), abort);
  try {
    return await ask();
  } catch (thrown) {
    if (!isNameless(thrown) || isTransient(thrown)) throw thrown;
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, Range: 'bytes=0-0' }), abort);
    (Body as unknown as Readable).destroy();
    return ask(); // The SDK signs by the server's clock now, or HEAD alone is refused.
  }
};

/** What is directly below a prefix. */
export type Listing = { readonly files: readonly ListedFile[]; readonly folders: readonly string[] };

/** Lists page by page. @throws UserError InputNotFound for a missing bucket, StorageDenied, StorageUnavailable */
export const listFolder = async (
  { uri, bucket, key }: S3Object,
  { sdk, client, retries, signal }: RequestContext,
): Promise<Listing> => {
  const prefix = `${key}/`;
  const files: ListedFile[] = [];
  const folders: string[] = [];
  let token: string | undefined;
  do {
    const page = new sdk.ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      Delimiter: '/',
      ...(token !== undefined && { ContinuationToken: token }),
    });
    const answer = await retries.run({ doing: `Listing ${uri}`, bucket, writes: false }, () =>
      client.send(page, { abortSignal: signal }),
    );
    for (const { Key = '', Size: sizeBytes = 0 } of answer.Contents ?? [])
      if (Key !== prefix) files.push({ name: Key.slice(prefix.length), sizeBytes });
    for (const { Prefix = '' } of answer.CommonPrefixes ?? []) folders.push(Prefix.slice(prefix.length, -1));
    token = answer.IsTruncated ? answer.NextContinuationToken : undefined;
  } while (token !== undefined);
  return { files, folders };
};

/** Removes an object; does nothing if it does not exist. @throws UserError StorageDenied, StorageUnavailable */
export const removeObject = async (
  { uri, bucket, key }: S3Object,
  { sdk, client, retries, signal }: RequestContext,
): Promise<void> => {
  await retries.run({ doing: `Removing ${uri}`, bucket, writes: true }, () =>
    client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal }),
  );
};
