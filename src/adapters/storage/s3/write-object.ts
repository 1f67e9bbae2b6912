/** Writes one object whole. A conditional write never replaces an object, also in a race with another writer. */
import { randomUUID } from 'node:crypto';
import { isTaken } from './failures.ts';
import { findObject, type RequestContext, writerMetadata } from './objects.ts';
import type { S3Object } from './read-object.ts';

/** What an object becomes. */
export type WrittenContent = {
  readonly bytes: Uint8Array;
  /** Hex digits. The server compares them with what it received. */
  readonly sha256: string;
};

/** Whether an existing object is replaced. */
export type WriteMode = 'Create' | 'Replace';

/** The condition of a write. */
export const conditionOf = (mode: WriteMode) => (mode === 'Create' ? { IfNoneMatch: '*' } : {});

/** A digest as S3 takes it. */
export const toBase64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

/**
 * Writes the object with one request.
 * @returns false if mode is Create and the name is taken
 * @throws UserError OutputUnwritable, DiskFull, StorageDenied, StorageUnavailable
 */
export const writeObject = async (
  object: S3Object,
  { bytes, sha256, mode }: WrittenContent & { readonly mode: WriteMode },
  context: RequestContext,
): Promise<boolean> => {
  const { sdk, client, signal } = context;
  const writer = randomUUID();
  const command = () =>
    new sdk.PutObjectCommand({
      Bucket: object.bucket,
      Key: object.key,
      Body: bytes,
      ChecksumSHA256: toBase64(sha256),
      Metadata: { [writerMetadata]: writer },
      ...conditionOf(mode),
    });
  return finishConditional(object, { writer, context }, () =>
    client.send(command(), { abortSignal: signal }),
  );
};

/**
 * Runs the request that names an object. The answer to a request that succeeded can be lost, and the next try then finds
 * the name taken by this very write: the object has the writer's mark.
 * @returns false if another writer has the name
 */
export const finishConditional = async (
  object: S3Object,
  { writer, context }: { readonly writer: string; readonly context: RequestContext },
  request: () => Promise<unknown>,
): Promise<boolean> => {
  const activity = { doing: `Writing ${object.uri}`, bucket: object.bucket, writes: true };
  let tries = 0;
  const isOwn = async (): Promise<boolean> => (await findObject(object, context))?.writer === writer;
  const isSettled = (thrown: unknown) => isTaken(thrown) || (tries > 1 && isGone(thrown));
  try {
    await context.retries.run(
      activity,
      () => {
        tries++;
        return request();
      },
      isSettled,
    );
    return true;
  } catch (thrown) {
    if (!isSettled(thrown)) throw thrown;
    return tries > 1 && (await isOwn());
  }
};

/** A multipart upload that is complete does not exist any more. */
const isGone = (thrown: unknown): boolean => (Object(thrown) as { name?: unknown }).name === 'NoSuchUpload';
