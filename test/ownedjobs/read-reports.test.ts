/** When and which logs are read for the progress of pods, on a clock of the test. The reads of a real apiserver are in refused.test.ts. */
import { PassThrough } from 'node:stream';
import test from 'ava';
import { Registry } from 'prom-client';
import type { JobStores } from '../../src/cluster/ownedjobs/caches.ts';
import type { JobObject, PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import {
  makeReportFollower,
  makeReportReader,
  type ReportReaderDeps,
} from '../../src/cluster/ownedjobs/read-reports.ts';
import { Reports } from '../../src/cluster/ownedjobs/reports.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { queueMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';

const intervalMs = 15_000;
const key = 'vision/demo-pod';
const owned = { 'export.tlt.dev/stage': 'export' };
const container = { name: 'export', state: { running: { startedAt: new Date(0).toISOString() } } };

const aPod = (changes: object = {}): PodObject => ({
  metadata: {
    name: 'demo-pod',
    namespace: 'vision',
    uid: 'uid-pod',
    labels: owned,
    ownerReferences: [{ kind: 'Job', name: 'demo-job', uid: 'uid-job', controller: true }],
  },
  status: { phase: 'Running', containerStatuses: [container] },
  ...changes,
});

const job = {
  metadata: { name: 'demo-job', namespace: 'vision', uid: 'uid-job', labels: owned },
  spec: {},
  suspendedByUs: false,
} as JobObject;

const reportOf = (done: number): string =>
  `${JSON.stringify({ progress: 'Calibrating', done, total: 200, perSecond: 12, secondsLeft: 5 })}\n`;

type Answer = string | ApiError | 'silence';

/** A reader whose log requests get the answer of the moment. */
const aReader = (pod: PodObject | undefined = aPod()) => {
  const clock = new HandClock();
  const world = { answer: reportOf(10) as Answer, pod, job: job as JobObject | undefined };
  const requests: unknown[] = [];
  const said: string[] = [];
  const noted: string[] = [];
  const stream: ReportReaderDeps['client']['stream'] = async (resource, at, signal) => {
    requests.push({ ...resource, ...at });
    if (world.answer instanceof ApiError) throw world.answer;
    const body = new PassThrough();
    signal.addEventListener('abort', () => body.destroy(signal.reason as Error));
    if (world.answer !== 'silence') body.end(world.answer);
    return body as never;
  };
  const log: Log = {
    debug: (message) => void said.push(`debug ${message}`),
    info: () => {},
    warn: (message) => void said.push(`warn ${message}`),
    error: () => {},
  };
  const stores = {
    pods: { get: () => world.pod },
    jobs: { get: () => world.job },
  } as unknown as JobStores;
  const reports = new Reports();
  const onReport = ({ metadata }: JobObject) => void noted.push(metadata.name);
  const read = makeReportReader({ client: { stream }, clock, log, stores, reports, intervalMs, onReport });
  /** One reconcile; the clock moves while it sleeps. */
  const look = async () => {
    const looked = read(key, new AbortController().signal);
    let isOver = false;
    void looked.finally(() => {
      isOver = true;
    });
    for (let turn = 0; !isOver; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (turn > 10) await clock.pass(250);
    }
    return (await looked).requeueAfterMs;
  };
  return { clock, world, requests, said, noted, reports, look };
};

test('a pod that has just started is not read', async (t) => {
  const { clock, requests, look } = aReader();
  await clock.pass(5000);
  t.is(await look(), 10_000);
  t.deepEqual(requests, []);
});

test('the last lines of the working container are read, and a new report enqueues the owner once', async (t) => {
  const { clock, world, requests, noted, reports, look } = aReader();
  await clock.pass(intervalMs);
  t.is(await look(), intervalMs);
  t.deepEqual(requests, [
    {
      group: '',
      version: 'v1',
      plural: 'pods',
      namespace: 'vision',
      name: 'demo-pod',
      subresource: 'log',
      query: { container: 'export', tailLines: '8', limitBytes: '16384' },
    },
  ]);
  t.like(reports.of(aPod()), { activity: 'Calibrating', done: 10, readAtMs: intervalMs });
  await look();
  t.deepEqual(noted, ['demo-job'], 'the same report again is no news');
  t.is(reports.of(aPod())!.readAtMs, intervalMs, 'and stays as old as it is');
  world.answer = reportOf(20);
  await look();
  t.is(noted.length, 2);
});

test('the report of a pod that is over is forgotten, and its log not read again', async (t) => {
  const { clock, world, requests, reports, look } = aReader();
  await clock.pass(intervalMs);
  await look();
  const terminated = { exitCode: 0 };
  world.pod = aPod({ status: { containerStatuses: [{ name: 'export', state: { terminated } }] } });
  t.is(await look(), undefined);
  t.is(reports.of(aPod()), undefined);
  t.is(requests.length, 1);
});

test('pods of nobody are not read: without a Job of ours, of a Job that ended, or with another owner', async (t) => {
  const { clock, world, requests, look } = aReader();
  await clock.pass(intervalMs);
  const complete = { type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
  for (const other of [
    undefined,
    { ...job, metadata: { ...job.metadata, uid: 'another' } },
    { ...job, metadata: { ...job.metadata, labels: { 'export.tlt.dev/stage': 'engine' } } },
    { ...job, status: { conditions: [complete] } },
  ]) {
    world.job = other;
    t.is(await look(), undefined);
  }
  t.deepEqual(requests, []);
});

test('a kubelet that does not answer costs five seconds, and is asked again much later', async (t) => {
  const { clock, world, said, look } = aReader();
  await clock.pass(intervalMs);
  world.answer = 'silence';
  t.is(await look(), 4 * intervalMs);
  t.is(clock.elapsed(), intervalMs + 5000);
  t.deepEqual(said, ['debug could not read the progress of a pod']);
  t.is(clock.sleeping, 0, 'no timer is left');
});

test('a missing permission is one warning that says what to do', async (t) => {
  const { clock, world, said, look } = aReader();
  await clock.pass(intervalMs);
  world.answer = new ApiError({ status: 403, reason: 'Forbidden', message: 'pods/log is forbidden' });
  t.is(await look(), 4 * intervalMs);
  await look();
  t.is(said.length, 2);
  t.regex(said[0]!, /^warn the operator may not get pods\/log.*grant it, or set --progress-seconds=0/);
  t.regex(said[1]!, /^debug/);
});

test('a log that does not end is not read beyond its limit', async (t) => {
  const { clock, world, reports, look } = aReader();
  await clock.pass(intervalMs);
  world.answer = reportOf(10) + 'x'.repeat(100_000) + reportOf(20);
  t.is(await look(), intervalMs);
  t.is(reports.of(aPod())!.done, 10);
});

test('another pod of the same name has no report yet', async (t) => {
  const { clock, reports, look } = aReader();
  await clock.pass(intervalMs);
  await look();
  const { metadata } = aPod();
  t.is(reports.of(aPod({ metadata: { ...metadata, uid: 'another' } })), undefined);
});

test('a pod is followed from the start of its working container on, and with 0 seconds never', async (t) => {
  const clock = new HandClock();
  const follow = async (
    milliseconds: number,
    ...changes: Parameters<ReturnType<typeof makeReportFollower>>
  ) => {
    const metrics = queueMetrics(new Registry());
    const queue = new WorkQueue({ name: 'q', clock, random: () => 0, metrics });
    makeReportFollower(queue, milliseconds)(...changes);
    await clock.pass(intervalMs);
    return queue.depth;
  };
  const pending = aPod({ status: { phase: 'Pending' } });
  t.is(await follow(intervalMs, { before: pending, after: aPod(), initial: false }), 1);
  t.is(await follow(intervalMs, { before: undefined, after: pending, initial: false }), 0);
  t.is(
    await follow(intervalMs, { before: aPod(), after: aPod(), initial: false }),
    0,
    'it is followed already',
  );
  t.is(await follow(0, { before: pending, after: aPod(), initial: false }), 0);
});
