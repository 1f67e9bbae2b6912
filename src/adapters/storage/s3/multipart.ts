/** Uploads a large file in parts. The object appears when the upload is completed; until then it has no name. */
import { createHash, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { sha256 as digestOf } from '../../../ground/base/digest.ts';
import { type RequestContext, writerMetadata } from './objects.ts';
import type { S3Object } from './read-object.ts';
import { conditionOf, finishConditional, toBase64 } from './write-object.ts';

/** An upload whose parts are stored. */
export type StoredUpload = {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** @returns false if the name is taken */
  readonly complete: () => Promise<boolean>;
  /** Removes the parts. */
  readonly abort: () => Promise<void>;
};

/** Larger than the 5 MiB that S3 requires; with three parts in memory. */
const partBytes = 16 * 2 ** 20;
const partsAtOnce = 3;
/** S3 accepts 10,000 parts. */
const mostParts = 9000;

type Upload = RequestContext & { readonly object: S3Object; readonly id: string };

/**
 * Stores the parts of the file. If that fails, the upload is aborted.
 * @throws UserError OutputUnwritable, DiskFull, StorageDenied, StorageUnavailable
 */
export const uploadParts = async (
  object: S3Object,
  file: { readonly path: string; readonly sizeBytes: number },
  context: RequestContext,
): Promise<StoredUpload> => {
  const writer = randomUUID();
  const upload = { ...context, object, id: await beginUpload(object, writer, context) };
  try {
    const { parts, sha256 } = await sendParts(file, upload);
    return {
      sha256,
      sizeBytes: file.sizeBytes,
      complete: () => complete(upload, parts, writer),
      abort: () => abortUpload(object, upload.id, context),
    };
  } catch (thrown) {
    await abortUpload(object, upload.id, context).catch(() => undefined); // Keep the earlier error.
    throw thrown;
  }
};

const beginUpload = async (
  { uri, bucket, key }: S3Object,
  writer: string,
  { sdk, client, retries, signal }: RequestContext,
): Promise<string> => {
  const command = new sdk.CreateMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    ChecksumAlgorithm: 'SHA256',
    Metadata: { [writerMetadata]: writer },
  });
  const answer = await retries.run({ doing: `Writing ${uri}`, bucket, writes: true }, () =>
    client.send(command, { abortSignal: signal }),
  );
  return answer.UploadId ?? '';
};

/** Reads the file once, in order, so that the digest is that of the bytes which are sent. */
const sendParts = async (
  { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
  upload: Upload,
): Promise<{ readonly parts: readonly CompletedPart[]; readonly sha256: string }> => {
  const length = Math.max(partBytes, Math.ceil(sizeBytes / mostParts));
  const hash = createHash('sha256');
  const parts: CompletedPart[] = [];
  const sending = new Set<Promise<void>>();
  await using file = await open(path);
  for (let number = 1, offset = 0; offset < sizeBytes; number++, offset += length) {
    if (sending.size === partsAtOnce) await Promise.race(sending);
    const bytes = Buffer.alloc(Math.min(length, sizeBytes - offset));
    await file.read(bytes, 0, bytes.length, offset);
    hash.update(bytes);
    const sent = sendPart(number, bytes, upload).then((part) => {
      parts[number - 1] = part;
      sending.delete(sent);
    });
    sent.catch(() => undefined); // Awaited below; until then it is no unhandled rejection.
    sending.add(sent);
  }
  await Promise.all(sending);
  return { parts, sha256: hash.digest('hex') };
};

const sendPart = async (
  number: number,
  bytes: Uint8Array,
  { sdk, client, retries, signal, object: { uri, bucket, key }, id }: Upload,
): Promise<CompletedPart> => {
  const ChecksumSHA256 = toBase64(digestOf(bytes));
  const command = () =>
    new sdk.UploadPartCommand({
      Bucket: bucket,
      Key: key,
      UploadId: id,
      PartNumber: number,
      Body: bytes,
      ChecksumSHA256,
    });
  const { ETag } = await retries.run({ doing: `Writing ${uri}`, bucket, writes: true }, () =>
    client.send(command(), { abortSignal: signal }),
  );
  return { PartNumber: number, ETag, ChecksumSHA256 };
};

const complete = (upload: Upload, parts: readonly CompletedPart[], writer: string): Promise<boolean> => {
  const { sdk, client, signal, object, id } = upload;
  return finishConditional(object, { writer, context: upload }, () =>
    client.send(
      new sdk.CompleteMultipartUploadCommand({
        Bucket: object.bucket,
        Key: object.key,
        UploadId: id,
        MultipartUpload: { Parts: [...parts] },
        ...conditionOf('Create'),
      }),
      { abortSignal: signal },
    ),
  );
};

/** Removes the parts of an upload that is not completed. @throws UserError StorageDenied, StorageUnavailable */
export const abortUpload = async (
  { uri, bucket, key }: S3Object,
  id: string,
  { sdk, client, retries }: RequestContext,
): Promise<void> => {
  await retries.run({ doing: `Removing the upload of ${uri}`, bucket, writes: true }, () =>
    client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id })),
  );
};
