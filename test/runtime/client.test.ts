/** Time limits of requests, and that completed requests leave no timers. */

import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { Registry } from 'prom-client';
import { ApiError, toApiError } from '../../src/cluster/runtime/api-error.ts';
import { makeClient } from '../../src/cluster/runtime/client.ts';
import type { ApiRequest, Connection } from '../../src/cluster/runtime/connection.ts';
import { guardWrites, NotLeading } from '../../src/cluster/runtime/write-guard.ts';
import { restMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const pods = { group: '', version: 'v1', plural: 'pods' } as const;
const never = new AbortController().signal;

/** A response of the apiserver with this body. */
const anAnswer = (body: string | undefined): IncomingMessage => {
  const stream = new PassThrough();
  if (body !== undefined) stream.end(body);
  return Object.assign(stream, { statusCode: 200, headers: {} }) as unknown as IncomingMessage;
};

type Send = (exchange: ApiRequest) => Promise<IncomingMessage>;

const aWorld = (send: Send) => {
  const clock = new HandClock();
  const connection = {
    host: 'apiserver',
    sent: [] as ApiRequest[],
    idleClosed: 0,
    send: (exchange: ApiRequest) => {
      connection.sent.push(exchange);
      return send(exchange);
    },
    closeIdle: () => {
      connection.idleClosed++;
    },
  } satisfies Connection & Record<string, unknown>;
  const client = makeClient({ connection, clock, metrics: restMetrics(new Registry()) });
  return { clock, connection, client };
};

/** Never responds; rejects when the request is aborted, like a socket. */
const silence: Send = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

test('a watch without a response is aborted after 30 s, and idle connections are closed', async (t) => {
  const { clock, connection, client } = aWorld(silence);
  const watching = t.throwsAsync(client.stream(pods, { query: {} }, never), { instanceOf: ApiError });
  await clock.pass(29_999);
  t.is(connection.idleClosed, 0);
  await clock.pass(1);
  t.is((await watching).reason, 'Timeout');
  t.is(connection.idleClosed, 1, 'they led to the same silence');
});

test('a list may take 75 s, longer than the apiserver itself allows a request to take', async (t) => {
  const { clock, client } = aWorld(silence);
  const listing = t.throwsAsync(client.list(pods, {}, never), { instanceOf: ApiError });
  const isGivenUp = () => Promise.race([listing.then(() => true), Promise.resolve(false)]);
  await clock.pass(74_999);
  t.false(await isGivenUp());
  await clock.pass(1);
  t.is((await listing).reason, 'Timeout');
});

test('an open watch has no time limit, and ends by the signal of its caller', async (t) => {
  const stop = new AbortController();
  const { clock, connection, client } = aWorld(async () => anAnswer(undefined));
  await client.stream(pods, { query: {} }, stop.signal);
  await clock.pass(3_600_000);
  t.false(connection.sent[0]!.signal.aborted);
  stop.abort(new Error('stopped'));
  t.true(connection.sent[0]!.signal.aborted);
});

test('a broken watch closes idle connections', async (t) => {
  const { connection, client } = aWorld(async () => anAnswer(undefined));
  const answer = await client.stream(pods, { query: {} }, never);
  answer.destroy(new Error('silent'));
  await new Promise((resolve) => setImmediate(resolve));
  t.is(connection.idleClosed, 1);
});

test('a completed request leaves no timer', async (t) => {
  const { clock, client } = aWorld(async () => anAnswer('{}'));
  for (let i = 0; i < 1000; i++) await client.read(pods, { name: 'a' }, never);
  t.is(clock.sleeping, 0);
});

test('a response whose body never ends is aborted after 30 s', async (t) => {
  const { clock, client } = aWorld(async ({ signal }) => {
    const answer = anAnswer(undefined);
    signal.addEventListener('abort', () => answer.destroy(signal.reason as Error));
    return answer;
  });
  const reading = t.throwsAsync(client.read(pods, { name: 'a' }, never), { instanceOf: ApiError });
  await clock.pass(30_000);
  t.is((await reading).reason, 'Timeout');
});

test('Retry-After is honoured up to a minute', (t) => {
  const asked = (header: string) => toApiError('GET /', 429, '{}', header).retryAfterMs;
  t.is(asked('5'), 5000);
  t.is(asked('86400'), 60_000);
  t.is(asked('-1'), 0);
  t.is(asked('Wed, 21 Oct 2026 07:28:00 GMT'), undefined);
});

test('without the lease every write is rejected and reads are allowed', async (t) => {
  const { client, connection } = aWorld(async () => anAnswer('{}'));
  const { read, list, stream, create, mergePatch, replace, remove } = guardWrites(client, () => false);
  for (const write of [create, mergePatch, replace])
    await t.throwsAsync(write(pods, { name: 'a' }, {}, never), { instanceOf: NotLeading });
  await t.throwsAsync(remove(pods, { name: 'a' }, never), { instanceOf: NotLeading });
  t.is(connection.sent.length, 0);
  await read(pods, { name: 'a' }, never);
  await list(pods, {}, never);
  await stream(pods, { query: {} }, never);
  t.is(connection.sent.length, 3);
});
