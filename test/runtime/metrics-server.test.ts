/** /metrics over HTTPS with authorization by a real apiserver and real ServiceAccount tokens. */
import { X509Certificate } from 'node:crypto';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import test from 'ava';
import { metricsReader } from '../../src/cluster/manifests/rbac.ts';
import { serveMetrics } from '../../src/cluster/runtime/metrics-server.ts';
import type { RunningServer } from '../../src/cluster/runtime/probes.ts';
import { makeSelfSignedCertificate } from '../../src/cluster/runtime/self-signed.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { aClientOf } from '../builders/client.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';

let plane: ControlPlane;
let served: RunningServer;
let reviews = 0;
const stop = new AbortController();

test.before(async () => {
  plane = await startControlPlane();
  await plane.kubectl(['apply', '-f', '-'], JSON.stringify(metricsReader));
  for (const name of ['prometheus', 'stranger'])
    await plane.kubectl(['create', 'serviceaccount', name, '-n', 'default']);
  const binding = ['create', 'clusterrolebinding', 'prometheus', '--clusterrole=tlt-export-metrics-reader'];
  await plane.kubectl([...binding, '--serviceaccount=default:prometheus']);
  const client = aClientOf(plane.kubeconfig);
  const counted: typeof client = {
    ...client,
    create: (...how) => {
      reviews++;
      return client.create(...how);
    },
  };
  served = await serveMetrics(
    { bind: '127.0.0.1:0', secure: true },
    {
      page: async () => ({ status: 200, body: 'up 1\n' }),
      client: counted,
      clock: systemClock,
      signal: stop.signal,
    },
  );
});
test.after.always(async () => {
  stop.abort(new Error('the test is over'));
  await served?.close();
  await plane?.stop();
});

type Got = { readonly status: number; readonly body: string; readonly certificate: X509Certificate };

const get = (token?: string): Promise<Got> =>
  new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const options = { port: served.port, path: '/metrics', headers, rejectUnauthorized: false, agent: false };
    const request = https.get(options, (response) => {
      const certificate = (response.socket as TLSSocket).getPeerX509Certificate()!;
      let body = '';
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body, certificate }));
    });
    request.on('error', reject);
  });

const tokenOf = (name: string): Promise<string> =>
  plane.kubectl(['create', 'token', name, '-n', 'default']).then((text) => text.trim());

test.serial('a client with the role reads the metrics', async (t) => {
  const { status, body } = await get(await tokenOf('prometheus'));
  t.is(status, 200);
  t.is(body, 'up 1\n');
});

test.serial('a client without the role gets 403 with the missing right', async (t) => {
  t.like(await get(await tokenOf('stranger')), {
    status: 403,
    body: 'the user of this token may not get this path\n',
  });
});

test.serial('a client without a token, or with the token of another cluster, gets 401', async (t) => {
  t.is((await get()).status, 401);
  t.is((await get('made.up.token')).status, 401);
  t.is((await get('x'.repeat(10_000))).status, 401);
});

test.serial('the result of a review is cached, so that scrapes do not load the apiserver', async (t) => {
  const token = await tokenOf('prometheus');
  await get(token);
  const before = reviews;
  for (let scrape = 0; scrape < 5; scrape++) t.is((await get(token)).status, 200);
  t.is(reviews, before);
});

test.serial('plain HTTP is rejected', async (t) => {
  await t.throwsAsync(fetch(`http://127.0.0.1:${served.port}/metrics`));
});

test('other programs can parse the certificate, which has the given name and validity', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const certificate = new X509Certificate(
    makeSelfSignedCertificate('operator.example', { now, days: 10 }).cert,
  );
  t.is(certificate.subject, 'CN=operator.example');
  t.is(certificate.checkHost('operator.example'), 'operator.example');
  t.true(certificate.verify(certificate.publicKey));
  t.is(Date.parse(certificate.validFrom), now - 3_600_000);
  t.is(Date.parse(certificate.validTo), now + 10 * 86_400_000);
});
