/** Object storage of a test: short pauses, a small scratch folder, and what it warned of. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectS3 } from '../../src/adapters/storage/s3/client.ts';
import type { RetryPolicy } from '../../src/adapters/storage/s3/retry.ts';
import { makeS3Store } from '../../src/adapters/storage/s3/s3-store.ts';
import { makeScratchSpace } from '../../src/adapters/storage/s3/scratch.ts';
import type { ArtifactStore } from '../../src/adapters/storage/store.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { credentialFiles, type S3Settings } from '../../src/ground/contract/s3-settings.ts';
import { rootUser } from '../storage/s3-server.ts';

type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
};

/** A folder like the mounted Secret. */
export const credentialsFolder = (credentials: Credentials = rootUser): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-test-credentials-'));
  for (const [name, value] of Object.entries(credentials))
    writeFileSync(join(folder, credentialFiles[name as keyof typeof credentialFiles]), `${value}\n`);
  return folder;
};

/** Settings of a test server. */
export const settingsOf = (url: string): S3Settings => ({
  endpoint: url,
  region: 'us-east-1',
  pathStyle: true,
  credentials: 'Files',
  scratchBytes: 256 * 2 ** 20,
});

type StoreOptions = {
  readonly url: string;
  readonly credentials?: Credentials;
  readonly scratchBytes?: number;
  readonly settings?: Partial<S3Settings>;
  readonly authority?: string;
  readonly tries?: number;
  readonly retryPolicy?: Partial<RetryPolicy>;
  readonly now?: () => number;
};

export type TestedStore = ArtifactStore & { readonly warnings: readonly string[]; readonly scratch: string };

export const anS3Store = (options: StoreOptions): TestedStore => {
  const { url, credentials, authority = '', tries = 6, now = Date.now } = options;
  const known = settingsOf(url);
  const { scratchBytes = known.scratchBytes } = options;
  const settings: S3Settings = { ...known, scratchBytes, ...options.settings };
  const warnings: string[] = [];
  const scratch = mkdtempSync(join(tmpdir(), 'tlt-test-scratch-'));
  mkdirSync(scratch, { recursive: true });
  const store = makeS3Store({
    connect: () => connectS3(settings, { credentials: credentialsFolder(credentials), authority }),
    scratch: makeScratchSpace(scratch, scratchBytes),
    retryPolicy: {
      firstPauseMs: 5,
      longestPauseMs: 40,
      tries,
      clock: systemClock,
      random: Math.random,
      warn: (message) => void warnings.push(message),
      ...options.retryPolicy,
    },
    idleMs: 300,
    clock: { ...systemClock, now },
  });
  return { ...store, warnings, scratch };
};
