/** Object storage as pods and tools use it, by the settings that they were given. */
import { systemClock } from '../../../ground/base/clock.ts';
import { UserError } from '../../../ground/base/errors.ts';
import type { S3Settings } from '../../../ground/contract/s3-settings.ts';
import type { S3Places } from './client.ts';
import type { S3Store } from './s3-store.ts';

/** Where a process finds its files of object storage. */
export type S3StorePlaces = S3Places & {
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

/**
 * Opens the storage of the URI, and loads the SDK.
 * @throws UserError InputNotFound if there are no settings
 */
export const openS3 = async (
  uri: string,
  places: S3StorePlaces,
  { settings, warn, random }: S3Use,
): Promise<S3Store> => {
  if (settings === undefined)
    throw new UserError(
      'InputNotFound',
      `Opening ${uri}: no settings of object storage are given. Set spec.s3.`,
    );
  const [{ connectS3 }, { makeScratchSpace }, { patientRetries }, { makeS3Store }] = await Promise.all([
    import('./client.ts'),
    import('./scratch.ts'),
    import('./retry.ts'),
    import('./s3-store.ts'),
  ]);
  return makeS3Store({
    connect: () => connectS3(settings, places),
    scratch: makeScratchSpace(places.scratch, settings.scratchBytes),
    retryPolicy: { ...patientRetries, clock: systemClock, random, warn },
    idleMs,
    clock: systemClock,
  });
};
