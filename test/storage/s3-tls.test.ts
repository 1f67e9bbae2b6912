/** Object storage by TLS: a server whose certificate an own authority signed, as companies have it. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { UserError } from '../../src/ground/base/errors.ts';
import { anS3Store } from '../builders/s3-store.ts';
import { makeCertificates } from './certificates.ts';
import { startS3Server } from './s3-server.ts';

const { signal } = new AbortController();
const uri = 's3://exports/a/manifest.json';

test('the authority of the settings is trusted, and without it the remedy names the field', async (t) => {
  const { authority, tls } = await makeCertificates('127.0.0.1');
  const server = await startS3Server({ buckets: ['exports'], tls });
  t.teardown(server.stop);
  const trusting = anS3Store({ url: server.url, authority, settings: { hasAuthority: true } });
  t.true(await trusting.create(uri, Buffer.from('one'), signal));
  t.is(readFileSync(await trusting.fetch(uri, signal), 'utf8'), 'one');
  const refused = await t.throwsAsync(anS3Store({ url: server.url }).fetch(uri, signal), {
    instanceOf: UserError,
  });
  t.is(refused!.reason, 'StorageDenied');
  t.regex(refused!.message, /certificate of the server is not trusted \(\w+\)/);
  const absent = anS3Store({ url: server.url, authority: '/absent', settings: { hasAuthority: true } });
  const unread = await t.throwsAsync(absent.fetch(uri, signal), { instanceOf: UserError });
  t.regex(unread!.message, /^Reading the certificate authorities of object storage: ENOENT/);
});
