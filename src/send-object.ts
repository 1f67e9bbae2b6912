/**
 * Entry: `send-object URI --task JSON` writes an object of object storage to standard output, in the pod of `kubectl modelexport fetch`.
 * The credentials are files of that pod and stay there.
 */
import process from 'node:process';
import { openS3 } from './adapters/storage/s3/open-s3.ts';
import { messageOf, UserError } from './ground/base/errors.ts';
import { failures } from './ground/base/failures.ts';
import { nameFields } from './ground/contract/fields.ts';
import { mounts } from './ground/contract/layout.ts';
import { parseTask } from './ground/contract/parse-task.ts';
import type { S3Settings } from './ground/contract/s3-settings.ts';

const root = process.env.TLT_WORKER_ROOT ?? '';
const places = {
  credentials: `${root}${mounts.s3Credentials}`,
  authority: `${root}${mounts.s3Authority}`,
  scratch: '',
};

const say = (message: string): void => void process.stderr.write(`${nameFields(message, 'spec')}\n`);

const write = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

/** What is sent cannot be taken back, so an object that changes meanwhile is a failure. */
const send = async (uri: string, settings: S3Settings): Promise<void> => {
  const store = await openS3(uri, places, { settings, warn: say, random: Math.random });
  let sent = 0;
  const begin = (): void => {
    if (sent > 0)
      throw new UserError(
        'StorageUnavailable',
        `Reading ${uri}: it arrived damaged, or was replaced while it was read. Run the command again.`,
      );
  };
  const writeCounted = async (bytes: Uint8Array): Promise<void> => {
    sent += bytes.length;
    await write(bytes);
  };
  await store.send(uri, { begin, write: writeCounted }, new AbortController().signal);
};

const [uri = '', , text = ''] = process.argv.slice(2);
try {
  const { s3 } = parseTask(text) as { readonly s3: S3Settings };
  await send(uri, s3);
} catch (thrown) {
  say(messageOf(thrown));
  process.exitCode = failures[thrown instanceof UserError ? thrown.reason : 'Internal'].exitCode;
}
