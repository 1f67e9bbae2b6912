/** Memory over ten thousand reconciles of the whole operator, from the lines of watches to the requests it sends. */
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { Registry } from 'prom-client';
import { makeClient } from '../../src/cluster/runtime/client.ts';
import type { ApiRequest, Connection } from '../../src/cluster/runtime/connection.ts';
import { runManager } from '../../src/cluster/runtime/manager.ts';
import { makeControllers } from '../../src/controllers.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { restMetrics } from '../../src/ground/observability/metrics.ts';
import { aDeviceClass, aModelExport } from '../builders/objects.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const anAnswer = (body: object | undefined): IncomingMessage => {
  const stream = new PassThrough();
  if (body !== undefined) stream.end(JSON.stringify(body));
  return Object.assign(stream, { statusCode: 200, headers: {} }) as unknown as IncomingMessage;
};

/** An apiserver with one export and its classes that discards every write, so each reconcile writes the status again. */
const aForgetfulServer = () => {
  const watches = new Map<string, PassThrough>();
  const contents: Readonly<Record<string, readonly object[]>> = {
    modelexports: [aModelExport()],
    exportdeviceclasses: [aDeviceClass('ampere'), aDeviceClass('cpu')],
  };
  let written: () => void = () => {};
  const send = async ({ method, path, signal }: ApiRequest): Promise<IncomingMessage> => {
    const [plural = ''] = path.split('?')[0]!.split('/').slice(-1);
    if (method === 'PUT') written();
    if (method !== 'GET') return anAnswer({});
    if (!path.includes('watch=true'))
      return anAnswer({ items: contents[plural] ?? [], metadata: { resourceVersion: '1' } });
    const answer = anAnswer(undefined);
    signal.addEventListener('abort', () => answer.destroy(), { once: true });
    watches.set(plural, answer as unknown as PassThrough);
    return answer;
  };
  const connection: Connection = { host: 'apiserver', send, closeIdle: () => {} };
  let version = 1;
  const object = aModelExport();
  /** Changes the export, and resolves once the resulting status was sent. */
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      written = resolve;
      const metadata = { ...object.metadata, resourceVersion: String(++version) };
      watches
        .get('modelexports')!
        .write(`${JSON.stringify({ type: 'MODIFIED', object: { ...object, metadata } })}\n`);
    });
  return { connection, change, isWatched: () => watches.has('modelexports') };
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const heapMiB = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

test('ten thousand reconciles leak no memory', async (t) => {
  t.timeout(240_000);
  const server = aForgetfulServer();
  const registry = new Registry();
  const clock = systemClock;
  const client = makeClient({ connection: server.connection, clock, metrics: restMetrics(registry) });
  const parts = makeControllers({
    client,
    clock,
    random: () => 0.5,
    log: silent,
    registry,
    namespaces: undefined,
    images: { worker: 'worker:dev', rtx: 'rtx:dev' },
    workers: 4,
    metricsPerObject: true,
    progressMs: 0,
    instance: 'test',
  });
  const stop = new AbortController();
  const running = runManager(
    { ...parts, lease: undefined, clock, random: () => 0.5, log: silent },
    stop.signal,
  );
  while (!server.isWatched()) await clock.sleep(10);
  const reconciles = async (count: number) => {
    for (let i = 0; i < count; i++) await server.change();
  };
  await reconciles(1000);
  const before = heapMiB();
  await reconciles(10_000);
  const growth = heapMiB() - before;
  t.true(growth < 3, `the heap grew by ${growth.toFixed(2)} MiB`);
  stop.abort(new Error('the test is over'));
  await running;
});
