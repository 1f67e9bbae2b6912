/** Object storage by TLS: a server whose certificate an own authority signed, as companies have it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { UserError } from '../../src/ground/base/errors.ts';
import { anS3Store } from '../builders/s3-store.ts';
import { aFolder } from '../builders/tool.ts';
import { run } from '../cluster/run.ts';
import { startS3Server } from './s3-server.ts';

const { signal } = new AbortController();
const uri = 's3://exports/a/manifest.json';

/** An authority, and a certificate for 127.0.0.1 that it signed. */
const makeCertificates = async () => {
  const folder = aFolder();
  const at = (name: string) => join(folder, name);
  const request = [
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-x509',
    '-days',
    '2',
  ];
  const openssl = (args: readonly string[]) => run('openssl', [...request, ...args]);
  await openssl(['-subj', '/CN=authority', '-keyout', at('ca.key'), '-out', at('ca.crt')]);
  const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key')];
  const name = [
    '-subj',
    '/CN=storage',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  await openssl([...signer, ...name, '-keyout', at('tls.key'), '-out', at('tls.crt')]);
  return { authority: at('ca.crt'), tls: { cert: at('tls.crt'), key: at('tls.key') } };
};

test('the authority of the settings is trusted, and without it the remedy names the field', async (t) => {
  const { authority, tls } = await makeCertificates();
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
