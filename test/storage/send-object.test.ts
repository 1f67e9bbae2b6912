/** The program that the pod of `kubectl modelexport fetch` runs for an object, with a real S3 server behind a proxy. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import { credentialFiles } from '../../src/ground/contract/s3-settings.ts';
import { anS3Store, settingsOf } from '../builders/s3-store.ts';
import { aFolder, runProcess } from '../builders/tool.ts';
import { startS3Proxy } from './s3-proxy.ts';
import { rootUser, startS3Server } from './s3-server.ts';

const { signal } = new AbortController();

/** A root folder with the mounts of the pod. */
const aPodRoot = (secretAccessKey: string): string => {
  const root = aFolder();
  const place = join(root, mounts.s3Credentials);
  mkdirSync(dirname(place), { recursive: true });
  mkdirSync(place);
  writeFileSync(join(place, credentialFiles.accessKeyId), rootUser.accessKeyId);
  writeFileSync(join(place, credentialFiles.secretAccessKey), secretAccessKey);
  return root;
};

test('an object is sent whole, a cut connection is resumed, and a refusal has its exit code and no secret', async (t) => {
  const server = await startS3Server({ buckets: ['exports'] });
  t.teardown(server.stop);
  const proxy = await startS3Proxy(server.url);
  t.teardown(proxy.close);
  const content = Buffer.from(randomBytes(1_500_000).toString('hex'));
  const uri = 's3://exports/a/model.etlt';
  await anS3Store({ url: server.url }).put(uri, content, signal);
  const send = (object: string, secret: string = rootUser.secretAccessKey) =>
    runProcess('send-object', [object, '--task', JSON.stringify({ s3: settingsOf(proxy.url) })], {
      env: { TLT_WORKER_ROOT: aPodRoot(secret) },
    });
  const faults = [{ cutAt: 700_000 }] as { cutAt: number }[];
  proxy.fault = ({ method }) => (method === 'GET' ? (faults.shift() ?? 'pass') : 'pass');
  const sent = await send(uri);
  t.is(sent.code, 0, sent.stderr);
  t.is(sha256(sent.stdout), sha256(content));
  t.is(proxy.seen.filter((line) => line.startsWith('GET')).length, 2);

  const absent = await send('s3://exports/a/absent');
  t.is(absent.code, failures.InputNotFound.exitCode);
  t.is(
    absent.stderr.trim(),
    'Reading s3://exports/a/absent: it does not exist. Correct the URI, or upload the object.',
  );
  const denied = await send(uri, 'hidden');
  t.is(denied.code, failures.StorageDenied.exitCode);
  t.regex(denied.stderr, /secret access key is wrong/);
  t.false(denied.stderr.includes('hidden'));

  proxy.fault = ({ method }) => (method === 'GET' ? { damageAt: 1_000_000 } : 'pass');
  const damaged = await send(uri);
  t.is(damaged.code, failures.StorageUnavailable.exitCode);
  t.regex(damaged.stderr, /it arrived damaged, or was replaced/);
});
