/**
 * Workload identity: the SDK exchanges the token of a service account for credentials at an STS, and signs with them. Server and STS are
 * moto (PyPI), which from the fifth action on checks each signature and the policy of the role. It does not check the token.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { UserError } from '../../src/ground/base/errors.ts';
import { anS3Store } from '../builders/s3-store.ts';
import { aFolder } from '../builders/tool.ts';
import { freePort } from '../cluster/free-port.ts';
import { background, eventually } from '../cluster/run.ts';
import { peerPython } from '../peers/venv.ts';
import { startS3Proxy } from './s3-proxy.ts';

const { signal } = new AbortController();
const role = 'arn:aws:iam::123456789012:role/exports';
const allowed = ['s3:GetObject', 's3:ListBucket', 's3:PutObject'];
const policy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: allowed, Resource: ['arn:aws:s3:::exports', 'arn:aws:s3:::exports/*'] },
  ],
};

/** Actions before moto checks signatures: those of `layOut`, and one exchange of a token. */
const uncheckedActions = 4;

const startMoto = async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  const server = background(await peerPython(join(import.meta.dirname, 'moto')), args, {
    log: join(aFolder(), 'log'),
    env: { INITIAL_NO_AUTH_ACTION_COUNT: String(uncheckedActions) },
  });
  await eventually('moto', () =>
    fetch(`${url}/moto-api/`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    ),
  );
  return { url, stop: server.stop };
};

/** A role with the policy, and its bucket. */
const layOut = async (url: string): Promise<void> => {
  const signed = (service: string) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
  });
  const askIam = (fields: Readonly<Record<string, string>>) =>
    fetch(url, {
      method: 'POST',
      headers: signed('iam'),
      body: new URLSearchParams({ Version: '2010-05-08', RoleName: 'exports', ...fields }),
    });
  const trust = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  const answers = [
    await askIam({ Action: 'CreateRole', AssumeRolePolicyDocument: trust }),
    await askIam({ Action: 'PutRolePolicy', PolicyName: 'exports', PolicyDocument: JSON.stringify(policy) }),
    await fetch(`${url}/exports`, { method: 'PUT', headers: signed('s3') }),
  ];
  for (const { status } of answers) if (status !== 200) throw new Error(`moto answered ${status}`);
};

const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  const thrown = await work.catch((error: unknown) => error);
  return thrown instanceof UserError
    ? `${thrown.reason}: ${thrown.message}`
    : `no UserError: ${String(thrown)}`;
};

test('the token of a service account is exchanged for credentials, with which objects are read and written', async (t) => {
  const moto = await startMoto();
  t.teardown(moto.stop);
  await layOut(moto.url);
  const sts = await startS3Proxy(moto.url);
  t.teardown(sts.close);
  const objects = await startS3Proxy(moto.url);
  t.teardown(objects.close);
  const token = join(aFolder(), 'token');
  Object.assign(process.env, {
    AWS_ROLE_ARN: role,
    AWS_WEB_IDENTITY_TOKEN_FILE: token,
    AWS_ENDPOINT_URL_STS: sts.url,
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  const aStore = () => anS3Store({ url: objects.url, settings: { credentials: 'Environment' } });
  const uri = 's3://exports/a/manifest.json';

  t.regex(
    await reasonOf(aStore().list('s3://exports/a', signal)),
    /^StorageDenied: .*cannot be read \(ENOENT.*service account/,
  );
  writeFileSync(token, 'a.projected.token');
  sts.fault = () => ({ status: 400, code: 'InvalidIdentityToken', of: 'STS' });
  t.regex(await reasonOf(aStore().list('s3://exports/a', signal)), /^StorageDenied: .*issuer and audience/);
  sts.fault = () => ({ status: 403, code: 'AccessDenied', of: 'STS' });
  t.regex(await reasonOf(aStore().list('s3://exports/a', signal)), /^StorageDenied: .*AccessDenied/);
  t.deepEqual(objects.seen, [], 'nothing was asked without credentials');
  const faults = ['cut before', { status: 503, code: 'ServiceUnavailable', of: 'STS' }] as const;
  let exchanges = 0;
  sts.fault = () => faults[exchanges++] ?? 'pass';

  const store = aStore();
  t.true(await store.create(uri, Buffer.from('one'), signal));
  t.false(await store.create(uri, Buffer.from('two'), signal));
  t.is(readFileSync(await store.fetch(uri, signal), 'utf8'), 'one');
  t.deepEqual(await store.list('s3://exports/a', signal), ['manifest.json']);
  t.is(exchanges, faults.length + 1, 'one exchange for all requests');
  t.regex(await reasonOf(store.remove(uri, signal)), /^StorageDenied: .*AccessDenied.*Allow writing it/);
});
