/** Cache and lease against a real apiserver, with injected faults. */
import type http from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { Registry } from 'prom-client';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import { Lease } from '../../src/cluster/runtime/lease.ts';
import { makeRecorder } from '../../src/cluster/runtime/recorder.ts';
import type { KubeObject } from '../../src/cluster/runtime/resources.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics, leaderMetrics } from '../../src/ground/observability/metrics.ts';
import { aClientOf } from '../builders/client.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { eventually } from '../cluster/run.ts';
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.ts';

const configMaps = { group: '', version: 'v1', plural: 'configmaps' } as const;
const namespaces = { group: '', version: 'v1', plural: 'namespaces' } as const;
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const never = new AbortController().signal;
let plane: ControlPlane;
let direct: KubeClient;

test.before(async () => {
  plane = await startControlPlane();
  direct = aClientOf(plane.kubeconfig);
});

test.after.always(() => plane?.stop());

const create = (namespace: string, name: string): Promise<unknown> =>
  direct.create(configMaps, { namespace }, { metadata: { name, namespace } }, never);

const remove = (namespace: string, name: string): Promise<void> =>
  direct.remove(configMaps, { namespace, name }, never);

const createNamespace = (name: string): Promise<unknown> =>
  direct.create(namespaces, {}, { metadata: { name } }, never);

type Watched = {
  readonly namespace: string;
  readonly proxy: FaultProxy;
  readonly names: () => string[];
  readonly deleted: string[];
  readonly metric: (name: string) => Promise<string>;
};

let count = 0;

/** A namespace, and a cache of its ConfigMaps behind a proxy; a silent watch is detected after 1.5 s. */
const watching = async (t: ExecutionContext): Promise<Watched> => {
  const namespace = `faults-${++count}`;
  await createNamespace(namespace);
  const proxy = await startFaultProxy({
    kubeconfig: plane.kubeconfig,
    folder: plane.folder,
    name: namespace,
  });
  const registry = new Registry();
  const deleted: string[] = [];
  const informer = new Informer<KubeObject>(
    {
      resource: configMaps,
      namespace,
      project: (raw) => raw as KubeObject,
      onChange: ({ before, after }) => {
        if (!after) deleted.push(before!.metadata.name);
        if (after?.metadata.name === 'makes-listeners-throw') throw new Error('a listener that throws');
      },
    },
    {
      client: aClientOf(proxy.kubeconfig),
      clock: systemClock,
      random: () => 0,
      metrics: informerMetrics(registry),
      log: silent,
      silenceMs: 1500,
    },
  );
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await proxy.close();
    await running;
  });
  await eventually('the first list', async () => informer.synced || undefined);
  return {
    namespace,
    proxy,
    deleted,
    names: () => informer.store.list().map(({ metadata }) => metadata.name),
    metric: (name) => registry.getSingleMetricAsString(name),
  };
};

const sees = (watched: Watched, name: string): Promise<true> =>
  eventually(`the cache to see ${name}`, async () => watched.names().includes(name) || undefined, 20_000);

const isWatch = (request: http.IncomingMessage): boolean => request.url!.includes('watch=true');

/** Applies the fault to the first `times` requests of this kind. */
const first = (
  times: number,
  of: (request: http.IncomingMessage) => boolean,
  fault: (response: http.ServerResponse) => void,
): Fault => {
  let left = times;
  return (request, response) => {
    if (left === 0 || !of(request)) return 'pass';
    left--;
    fault(response);
    return 'handled';
  };
};

test('a cache follows created, changed and deleted objects', async (t) => {
  const watched = await watching(t);
  await create(watched.namespace, 'one');
  await sees(watched, 'one');
  await remove(watched.namespace, 'one');
  await eventually('the deletion', async () => watched.deleted.includes('one') || undefined);
  t.false(watched.names().includes('one'));
});

test('after a lost connection the watch continues from its resourceVersion, without a new list', async (t) => {
  const watched = await watching(t);
  watched.proxy.cut();
  await create(watched.namespace, 'after-the-cut');
  await sees(watched, 'after-the-cut');
  t.regex(await watched.metric('modelexport_informer_relists_total'), /\{resource="configmaps"\} 1\n?$/);
});

test('objects deleted while the watch was down are reported after the next list', async (t) => {
  const watched = await watching(t);
  await create(watched.namespace, 'doomed');
  await sees(watched, 'doomed');
  let blind = true;
  watched.proxy.fault = (_request, response) => {
    if (!blind) return 'pass';
    response
      .writeHead(410)
      .end(JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }));
    return 'handled';
  };
  watched.proxy.cut();
  await remove(watched.namespace, 'doomed');
  blind = false;
  await eventually('the deletion', async () => watched.deleted.includes('doomed') || undefined, 20_000);
  t.false(watched.names().includes('doomed'));
});

test('server errors for a while do not stop the cache', async (t) => {
  const watched = await watching(t);
  watched.proxy.fault = first(
    3,
    () => true,
    (response) => response.writeHead(500).end('{}'),
  );
  watched.proxy.cut();
  await create(watched.namespace, 'after-the-errors');
  t.true(await sees(watched, 'after-the-errors'));
});

test('Retry-After of the server is honoured', async (t) => {
  const watched = await watching(t);
  const started = Date.now();
  watched.proxy.fault = first(1, isWatch, (response) =>
    response.writeHead(429, { 'retry-after': '2' }).end('{}'),
  );
  watched.proxy.cut();
  await create(watched.namespace, 'after-the-wait');
  await sees(watched, 'after-the-wait');
  t.true(Date.now() - started >= 2000);
});

test('a truncated line leads to a new list', async (t) => {
  const watched = await watching(t);
  watched.proxy.fault = first(1, isWatch, (response) =>
    response.writeHead(200).end('{"type":"ADDED","object":{"metad'),
  );
  watched.proxy.cut();
  await create(watched.namespace, 'after-the-break');
  await sees(watched, 'after-the-break');
  t.regex(await watched.metric('modelexport_informer_relists_total'), /\{resource="configmaps"\} 2\n?$/);
});

test('a silent connection is detected and replaced', async (t) => {
  const watched = await watching(t);
  watched.proxy.fault = first(1, isWatch, (response) => response.writeHead(200).flushHeaders());
  watched.proxy.cut();
  await create(watched.namespace, 'said-into-silence');
  await sees(watched, 'said-into-silence');
  t.regex(await watched.metric('modelexport_informer_watch_restarts_total'), /reason="silent"\} [1-9]/);
});

test('a listener that throws does not stop the cache', async (t) => {
  const watched = await watching(t);
  await create(watched.namespace, 'makes-listeners-throw');
  await create(watched.namespace, 'the-next-one');
  t.true(await sees(watched, 'the-next-one'));
});

test('a delete checks the uid precondition, and the next request on the connection succeeds', async (t) => {
  await create('default', 'kept');
  const at = { namespace: 'default', name: 'kept' };
  const wrong = direct.remove(configMaps, { ...at, uid: '00000000-0000-0000-0000-000000000000' }, never);
  t.is((await t.throwsAsync(wrong, { instanceOf: ApiError })).status, 409);
  const { metadata } = (await direct.read(configMaps, at, never)) as KubeObject;
  await direct.remove(configMaps, { ...at, uid: metadata.uid }, never);
  await create('default', 'kept');
  t.pass();
});

test('long events are stored: notes are truncated by bytes, as the apiserver counts them', async (t) => {
  const warnings: string[] = [];
  const log: Log = { ...silent, warn: (message) => void warnings.push(message) };
  const record = makeRecorder({ client: direct, clock: systemClock, log, instance: 'test' });
  const notes = ['a'.repeat(1024), 'a'.repeat(1025), '模'.repeat(1025)];
  for (const [i, note] of notes.entries()) {
    const regarding = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: `noted-${i}`,
      namespace: 'default',
      uid: `${i}`,
    };
    await record({ type: 'Warning', reason: 'Tested', action: 'Test', note, regarding }, never);
  }
  t.deepEqual(warnings, []);
  const { items } = (await direct.list(
    { group: '', version: 'v1', plural: 'events' },
    { namespace: 'default', query: { fieldSelector: 'reason=Tested' } },
    never,
  )) as { items: { message: string }[] };
  t.is(items.length, notes.length);
  t.true(items.every(({ message }) => Buffer.byteLength(message) > 1020));
});

test('a list of several pages is read completely', async (t) => {
  const namespace = 'pages';
  await createNamespace(namespace);
  const names = Array.from({ length: 510 }, (_, i) => `c${i}`);
  await Promise.all(names.map((name) => create(namespace, name)));
  const informer = new Informer<KubeObject>(
    { resource: configMaps, namespace, project: (raw) => raw as KubeObject, onChange: () => {} },
    {
      client: direct,
      clock: systemClock,
      random: () => 0,
      metrics: informerMetrics(new Registry()),
      log: silent,
    },
  );
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  await eventually('the list', async () => informer.synced || undefined);
  t.true(informer.store.size >= 510, 'a page has 500');
  stop.abort();
  await running;
});

/** Long enough to renew in time on a busy machine. */
const lease = { durationMs: 6000, renewDeadlineMs: 5000, retryMs: 200 } as const;

const aLease = (identity: string): Lease =>
  new Lease(
    {
      namespace: 'default',
      name: 'contended',
      identity,
      ...lease,
    },
    { client: direct, clock: systemClock, log: silent, metrics: leaderMetrics(new Registry()) },
  );

test.serial(
  'one of two processes holds the lease; a released lease passes on at once, that of a dead holder after it expires',
  async (t) => {
    const [one, two, three] = [aLease('one'), aLease('two'), aLease('three')];
    const stop = new AbortController();
    const dead = new AbortController();
    await one.acquire(never);
    const keeping = one.keep(dead.signal);
    const waiting = two.acquire(stop.signal);
    await new Promise((resolve) => setTimeout(resolve, lease.durationMs + 1000));
    t.true(one.held);
    t.false(two.held, 'a lease that is renewed is not taken');
    const died = Date.now();
    dead.abort();
    await keeping;
    await waiting;
    t.true(Date.now() - died >= lease.renewDeadlineMs, 'it is taken only after its duration');
    t.true(two.held);
    t.false(one.held, 'a holder that cannot renew stops writing before another one may take over');
    const released = Date.now();
    await two.release(never);
    await three.acquire(never);
    t.true(Date.now() - released < lease.durationMs, 'nobody waits for a lease that was given back');
  },
);
