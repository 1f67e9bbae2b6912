/**
 * A cache of several namespaces is synced when each is listed, and a list of one namespace does not affect the others.
 */
import { PassThrough } from 'node:stream';
import test from 'ava';
import { Registry } from 'prom-client';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import type { KubeObject } from '../../src/cluster/runtime/resources.ts';
import { makeScopedCache } from '../../src/cluster/runtime/scoped-cache.ts';
import { parseNamespaces } from '../../src/cluster/runtime/watched-namespaces.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const resource = { group: '', version: 'v1', plural: 'configmaps' } as const;

const anObject = (namespace: string, name: string) => ({
  metadata: { name, namespace, uid: `${namespace}-${name}`, resourceVersion: '1' },
});

/** An apiserver with objects of these names in its namespaces; the test ends the watch of each namespace. */
const serving = (held: Record<string, readonly string[]>) => {
  const streams = new Map<string, PassThrough>();
  const client = {
    list: async (_resource, { namespace = '' }) => ({
      items: (held[namespace] ?? []).map((name) => anObject(namespace, name)),
      metadata: { resourceVersion: '1' },
    }),
    stream: async (_resource, { namespace = '' }, signal) => {
      const stream = new PassThrough();
      streams.set(namespace, stream);
      signal.addEventListener('abort', () => stream.destroy());
      return stream as never;
    },
  } as Partial<KubeClient> as KubeClient;
  const expire = (namespace: string) =>
    streams.get(namespace)!.end('{"type":"ERROR","object":{"code":410,"message":"too old"}}\n');
  return { client, expire };
};

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('a list of one namespace keeps the cached objects of the others', async (t) => {
  const held: Record<string, readonly string[]> = { vision: ['a', 'b'], radar: ['a'], unwatched: ['x'] };
  const { client, expire } = serving(held);
  const clock = new HandClock();
  const registry = new Registry();
  const gone: string[] = [];
  const { store, informers } = makeScopedCache<KubeObject>(
    (scope) => ({
      ...scope,
      resource,
      project: (raw) => raw as KubeObject,
      indexes: { name: ({ metadata }) => [metadata.name] },
      onChange: ({ before, after }) => void (after ?? gone.push(before!.metadata.uid)),
    }),
    ['vision', 'radar'],
    { client, clock, random: () => 0, metrics: informerMetrics(registry), log: silent },
  );
  const stop = new AbortController();
  const over = Promise.all(informers.map((informer) => informer.run(stop.signal)));
  await turns();
  t.true(informers.every(({ synced }) => synced));
  t.deepEqual([...store.keys()].sort(), ['radar/a', 'vision/a', 'vision/b']);
  t.is(store.byIndex('name', 'a').length, 2);

  held.vision = ['b'];
  expire('vision');
  await turns();
  await clock.pass(1000);
  await turns();
  t.deepEqual([...store.keys()].sort(), ['radar/a', 'vision/b']);
  t.deepEqual(gone, ['vision-a']);
  const { values } = await registry.getSingleMetric('modelexport_informer_last_event_age_seconds')!.get();
  t.deepEqual(
    values.map(({ value }) => value),
    [1],
    'radar has been silent for the second that passed, although vision was listed in it',
  );
  stop.abort();
  await over;
});

test('without --namespace one informer covers all namespaces', (t) => {
  const { client } = serving({});
  const clock = new HandClock();
  const deps = { client, clock, random: () => 0, metrics: informerMetrics(new Registry()), log: silent };
  const asked: (string | undefined)[] = [];
  const { informers } = makeScopedCache<KubeObject>(
    (scope) => {
      asked.push(scope.namespace);
      return { ...scope, resource, project: (raw) => raw as KubeObject, onChange: () => {} };
    },
    undefined,
    deps,
  );
  t.is(informers.length, 1);
  t.deepEqual(asked, [undefined]);
});

test('namespaces are separated by commas, and each is watched once', (t) => {
  t.deepEqual(parseNamespaces('vision'), ['vision']);
  t.deepEqual(parseNamespaces('vision, radar,vision'), ['vision', 'radar']);
  t.deepEqual(parseNamespaces('a'.repeat(63)), ['a'.repeat(63)]);
});

for (const text of [
  '',
  'vision,',
  'Vision',
  'vision radar',
  '-vision',
  'vision-',
  'a'.repeat(64),
  'a/b',
  '*',
])
  test(`--namespace '${text}' is rejected, because the operator would wait for it forever`, (t) => {
    const refused = t.throws(() => parseNamespaces(text), { instanceOf: UserError });
    t.is(refused.reason, 'Usage');
    t.regex(refused.message, /is not the name of a namespace/);
  });
