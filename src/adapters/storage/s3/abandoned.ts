/** Uploads that killed pods left in a folder: their parts take space and have no name. */
import { UserError } from '../../../ground/base/errors.ts';
import { abortUpload } from './multipart.ts';
import type { RequestContext } from './objects.ts';
import type { S3Object } from './read-object.ts';

/** Milliseconds. Uploads begin after the calibration, so one of a running pod is hours younger. */
const abandonedMs = 24 * 60 * 60 * 1000;

/**
 * Aborts old uploads to the folder. Storage that does not allow it is no failure: a rule of the bucket can remove them,
 * too.
 * @param now milliseconds since the epoch
 */
export const abortAbandoned = async (
  folder: S3Object,
  now: number,
  context: RequestContext,
): Promise<void> => {
  const { sdk, client, retries, signal } = context;
  const { uri, bucket, key } = folder;
  const command = new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: `${key}/` });
  try {
    const { Uploads = [] } = await retries.run(
      { doing: `Listing the uploads to ${uri}`, bucket, writes: true },
      () => client.send(command, { abortSignal: signal }),
    );
    for (const { Key = '', UploadId = '', Initiated } of Uploads)
      if (Initiated !== undefined && now - Initiated.getTime() > abandonedMs)
        await abortUpload({ uri, bucket, key: Key }, UploadId, context);
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.reason !== 'StorageDenied') throw thrown;
  }
};
