/** Connections to object storage: endpoint, certificate authorities and credentials of one client of the SDK. */
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { systemClock } from '../../../ground/base/clock.ts';
import { messageOf, systemCodeOf, UserError } from '../../../ground/base/errors.ts';
import { readBounded } from '../../../ground/base/readable.ts';
import { field } from '../../../ground/contract/fields.ts';
import { credentialFiles, type S3Settings } from '../../../ground/contract/s3-settings.ts';

/** The SDK. It is loaded when the first `s3://` URI is used: that takes a fifth of a second. */
export type S3Sdk = typeof import('@aws-sdk/client-s3');

/** A client and the SDK that made it. */
export type S3Connection = { readonly sdk: S3Sdk; readonly client: S3Client };

/** Where a pod or a tool finds the files of the settings. */
export type S3Places = {
  /** Folder of the mounted Secret. */
  readonly credentials: string;
  /** Path of the certificate authorities. */
  readonly authority: string;
};

/** Connections at the same time: those of uploads and of the read-ahead of images. */
const maxSockets = 32;
const connectMs = 10_000;
/** For the head of an answer; a multipart upload of 10,000 parts is joined in this time. */
const answerMs = 120_000;

/** Connects. Requests are not repeated by the SDK: `retry.ts` does that, with our pauses. */
export const connectS3 = async (settings: S3Settings, places: S3Places): Promise<S3Connection> => {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, region, pathStyle, credentials, hasAuthority } = settings;
  const agent = { keepAlive: true, maxSockets };
  const ca = hasAuthority ? await readAuthority(places.authority) : undefined;
  const client = new sdk.S3Client({
    region,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    ...(credentials === 'Files' && { credentials: () => readCredentials(places.credentials) }),
    // Checksums are computed and compared here, because a resumed read has none of its own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: agent,
      httpsAgent: { ...agent, ...(ca !== undefined && { ca }) },
      connectionTimeout: connectMs,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
    },
  });
  return { sdk, client };
};

/** Milliseconds after which the files are read again, because the kubelet replaces those of a changed Secret. */
const rereadMs = 60_000;

const readCredentials = async (folder: string) => {
  const read = (name: string) => readSecretFile(join(folder, name));
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all(
    Object.values(credentialFiles).map(read),
  );
  if (!accessKeyId || !secretAccessKey)
    throw new UserError(
      'StorageDenied',
      `Reading the credentials of object storage: ${field('s3Credentials')} lacks ${accessKeyId ? credentialFiles.secretAccessKey : credentialFiles.accessKeyId}. Add it.`,
    );
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    // The SDK asks again five minutes before this time.
    expiration: new Date(systemClock.now() + refreshWindowMs + rereadMs),
  };
};

/** The SDK renews credentials this long before they expire. */
const refreshWindowMs = 5 * 60_000;

const readSecretFile = async (path: string): Promise<string | undefined> => {
  try {
    return (await readBounded(path, 'secretBytes')).toString('utf8').trim();
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
};

const readAuthority = async (path: string): Promise<string> => {
  try {
    return (await readBounded(path, 'secretBytes')).toString('utf8');
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'StorageDenied',
      `Reading the certificate authorities of object storage: ${messageOf(thrown)}. Correct ${field('s3Authority')}.`,
    );
  }
};
