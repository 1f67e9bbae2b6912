/** How many requests a cache sends while all fail, counted over minutes of a manual clock. */
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { Registry } from 'prom-client';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import type { KubeObject } from '../../src/cluster/runtime/resources.ts';
import { resync } from '../../src/cluster/runtime/resync.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const resource = { group: '', version: 'v1', plural: 'configmaps' } as const;

type Watch = (clock: HandClock) => Promise<PassThrough>;

type Options = {
  readonly random?: () => number;
  readonly log?: Log;
  readonly items?: readonly object[];
  readonly silenceMs?: number;
};

const running = (
  watch: Watch,
  { random = () => 0.5, log = silent, items = [], silenceMs = 70_000 }: Options = {},
) => {
  const clock = new HandClock();
  const registry = new Registry();
  const asked = { lists: 0, watches: 0 };
  const client = {
    list: async () => {
      asked.lists++;
      return { items, metadata: { resourceVersion: '1' } };
    },
    stream: async (_resource, _at, signal) => {
      asked.watches++;
      const stream = await watch(clock);
      signal.addEventListener('abort', () => stream.destroy());
      return stream as unknown as IncomingMessage;
    },
  } as Partial<KubeClient> as KubeClient;
  const changes: unknown[] = [];
  const informer = new Informer<KubeObject>(
    { resource, project: (raw) => raw as KubeObject, onChange: (change) => changes.push(change) },
    { client, clock, random, metrics: informerMetrics(registry), log, silenceMs },
  );
  const stop = new AbortController();
  const over = informer.run(stop.signal);
  const pass = async (seconds: number) => {
    for (let step = 0; step < seconds * 10; step++) {
      await clock.pass(100);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, informer, asked, changes, pass, over, stop: () => stop.abort(), registry };
};

const ended = async (): Promise<PassThrough> => {
  const stream = new PassThrough();
  stream.end();
  return stream;
};

const line = (event: object): string => `${JSON.stringify(event)}\n`;

for (const [chance, random] of [
  ['the shortest delays', () => 0],
  ['middling delays', () => 0.5],
] as const)
  test(`watches that close at once are reopened with backoff: ${chance}`, async (t) => {
    const { asked, pass, stop, over } = running(ended, { random });
    await pass(120);
    t.true(asked.watches >= 3);
    t.true(asked.watches <= (random() === 0 ? 1201 : 20), `${asked.watches} watches in two minutes`);
    t.is(asked.lists, 1);
    stop();
    await over;
  });

test('a resourceVersion that every watch rejects as expired leads to few lists', async (t) => {
  const { asked, pass, stop, over } = running(async () => {
    throw new ApiError({ status: 410, reason: 'Expired', message: 'too old' });
  });
  await pass(120);
  t.true(asked.lists >= 3 && asked.lists <= 20, `${asked.lists} lists in two minutes`);
  stop();
  await over;
});

test('a resourceVersion that expires within the stream leads to few lists', async (t) => {
  const { asked, pass, stop, over } = running(async () => {
    const stream = new PassThrough();
    stream.end(line({ type: 'ERROR', object: { code: 410, message: 'too old' } }));
    return stream;
  });
  await pass(120);
  t.true(asked.lists >= 3 && asked.lists <= 20, `${asked.lists} lists in two minutes`);
  stop();
  await over;
});

test('a long watch that the server closes is reopened at once', async (t) => {
  const { asked, pass, stop, over } = running(async (clock) => {
    const stream = new PassThrough();
    void clock.sleep(11_000).then(() => stream.end());
    return stream;
  });
  await pass(115);
  t.is(asked.watches, 11, 'ten watches of 11 s, without a pause between them');
  stop();
  await over;
});

test('a Retry-After of a day is limited to a minute', async (t) => {
  const { asked, pass, stop, over } = running(async () => {
    throw new ApiError({ status: 429, reason: 'TooManyRequests', message: 'later', retryAfterMs: 60_000 });
  });
  await pass(61);
  t.is(asked.watches, 2);
  stop();
  await over;
});

test('a metric shows the age of the last event, and each bookmark resets it', async (t) => {
  const stream = new PassThrough();
  const { informer, pass, stop, over, registry } = running(async () => stream);
  await pass(50);
  t.true(informer.silentMs >= 49_000);
  t.regex(
    await registry.getSingleMetricAsString('modelexport_informer_last_event_age_seconds'),
    /resource="configmaps"\} (49|50)/,
  );
  stream.write(line({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '2' } } }));
  await pass(1);
  t.true(informer.silentMs <= 2000);
  stop();
  stream.end();
  await over;
});

test('a silent watch is detected after 70 s, regardless of the wall clock', async (t) => {
  const { clock, asked, pass, stop, over } = running(async () => new PassThrough());
  await pass(10);
  clock.set(-3_600_000);
  await pass(59);
  t.is(asked.watches, 1);
  await pass(2);
  t.is(asked.watches, 2);
  stop();
  await over;
});

test('every object is listed again after about ten hours, with jitter and without an error', async (t) => {
  const warnings: string[] = [];
  const { clock, asked, changes, over, stop } = running(async () => new PassThrough(), {
    random: () => 0.25,
    log: { ...silent, warn: (message) => warnings.push(message) },
    items: [{ metadata: { name: 'one', namespace: 'default' } }],
    silenceMs: Number.MAX_SAFE_INTEGER,
  });
  const turns = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  await turns();
  await clock.pass(9.4 * 3_600_000);
  await turns();
  t.deepEqual([asked.lists, changes.length], [1, 1]);
  await clock.pass(0.2 * 3_600_000);
  await turns();
  t.deepEqual([asked.lists, changes.length], [2, 2]);
  t.deepEqual(warnings, []);
  stop();
  await over;
});

test('every object is resynced after about ten hours, with jitter', async (t) => {
  const clock = new HandClock();
  let woken = 0;
  const stop = new AbortController();
  const over = resync({ clock, random: () => 0.25, enqueueAll: () => woken++ }, stop.signal);
  await clock.pass(9.4 * 3_600_000);
  t.is(woken, 0);
  await clock.pass(0.2 * 3_600_000);
  t.is(woken, 1);
  await clock.pass(9.6 * 3_600_000);
  t.is(woken, 2);
  stop.abort(new Error('over'));
  await over;
});
