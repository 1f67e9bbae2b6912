/** /metrics and the page of all exports over HTTPS, with authorization by a real apiserver and real ServiceAccount tokens. */
import { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import test from 'ava';
import { pathReaders } from '../../src/cluster/manifests/rbac.ts';
import { makeExportsPage } from '../../src/cluster/page/serve-page.ts';
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
  for (const role of pathReaders) await plane.kubectl(['apply', '-f', '-'], JSON.stringify(role));
  for (const name of ['prometheus', 'reader', 'stranger'])
    await plane.kubectl(['create', 'serviceaccount', name, '-n', 'default']);
  const binding = ['create', 'clusterrolebinding', 'prometheus', '--clusterrole=tlt-export-metrics-reader'];
  await plane.kubectl([...binding, '--serviceaccount=default:prometheus']);
  const reading = ['create', 'clusterrolebinding', 'reader', '--clusterrole=tlt-export-page-reader'];
  await plane.kubectl([...reading, '--serviceaccount=default:reader']);
  const client = aClientOf(plane.kubeconfig);
  const counted: typeof client = {
    ...client,
    review: (...how) => {
      reviews++;
      return client.review(...how);
    },
  };
  served = await serveMetrics(
    { bind: '127.0.0.1:0', secure: true },
    {
      pages: {
        '/metrics': async () => ({ status: 200, body: 'up 1\n' }),
        '/exports': makeExportsPage(() => ({ exports: [], countNodes: () => 0, now: 0 })),
      },
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

type Got = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly certificate: X509Certificate;
};

const ask = (path: string, authorization?: string): Promise<Got> =>
  new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    const options = { port: served.port, path, headers, rejectUnauthorized: false, agent: false };
    const request = https.get(options, (response) => {
      const certificate = (response.socket as TLSSocket).getPeerX509Certificate()!;
      let body = '';
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body, certificate }),
      );
    });
    request.on('error', reject);
  });

const get = (token?: string): Promise<Got> =>
  ask('/metrics', token === undefined ? undefined : `Bearer ${token}`);

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

/** As a browser sends what its user enters. */
const asPassword = (token: string): string => `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}`;

test.serial('a browser gets the page with the token as the password', async (t) => {
  const before = await ask('/exports');
  t.is(before.status, 401);
  t.regex(before.headers['www-authenticate'] ?? '', /^Basic realm=/);
  const { status, body, headers } = await ask('/exports?name=a', asPassword(await tokenOf('reader')));
  t.is(status, 200);
  t.regex(body, /<h1>Model exports<\/h1>/);
  t.is(headers['content-type'], 'text/html; charset=utf-8');
  t.regex(String(headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/);
  t.is(headers['cache-control'], 'no-store');
});

test.serial('the right to one path is not the right to the other', async (t) => {
  t.is((await ask('/exports', asPassword(await tokenOf('prometheus')))).status, 403);
  t.is((await ask('/metrics', `Bearer ${await tokenOf('reader')}`)).status, 403);
  t.is((await ask('/exports', asPassword('made.up.token'))).status, 401);
  t.is((await ask('/exports', 'Basic !')).status, 401);
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
