/** What metrics and the log tell of an export, from decisions that the operator makes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Registry } from 'prom-client';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { absentMetrics } from '../../src/cluster/manifests/monitoring/absent-metrics.ts';
import { makeAttemptCounter } from '../../src/cluster/metrics/attempts.ts';
import { makeStateSource, type StateStores } from '../../src/cluster/metrics/state.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import { makeActionLog } from '../../src/cluster/ownedjobs/action-log.ts';
import { runController } from '../../src/cluster/runtime/controller.ts';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { attemptMetrics, stateMetrics } from '../../src/ground/observability/export-metrics.ts';
import { listMetrics } from '../../src/ground/observability/list-metrics.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { controllerMetrics, queueMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';
import { aDeviceClass, anExported, anObserved } from '../builders/objects.ts';
import { finish, performActions, settle, succeed } from '../builders/perform-actions.ts';
import { checkMetrics } from '../monitoring/promtool.ts';

const started = Date.parse('2026-01-01T00:00:00Z');
const inSeconds = (seconds: number): number => started + seconds * 1000;

/** Jobs that were created at 0 s, ran from 10 s on and ended at 40 s. */
const timed = (observed: ObservedExport): ObservedExport => ({
  ...observed,
  jobs: observed.jobs.map((job) => ({
    ...job,
    createdAtMs: started,
    startedAtMs: inSeconds(10),
    finishedAtMs: inSeconds(40),
  })),
});

type LogLine = { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> };

/** Performs what is decided, counted and logged as the operator does it. */
const follow = () => {
  const registry = new Registry();
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields = {}) =>
      void lines.push({ level, message, fields });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const findClass = (name: string) => aDeviceClass(name, { resources: { 'nvidia.com/gpu': 2 } });
  const findArchitecture = () => 'classification' as const;
  const metrics = attemptMetrics(registry);
  const hooks = [makeActionLog(log), makeAttemptCounter({ metrics, findClass, findArchitecture })];
  const act = (observed: ObservedExport): ObservedExport => {
    const { actions } = decide(observed);
    for (const action of actions) for (const hook of hooks) hook(action, observed.modelExport);
    return performActions(observed, actions);
  };
  const sample = async (line: RegExp) => line.exec(await registry.metrics())?.[1];
  return { act, lines, sample, registry };
};

test('an export that goes well counts three attempts, their times, and the time to Ready', async (t) => {
  const { act, sample } = follow();
  const exporting = act(anObserved());
  const building = act(timed(succeed(exporting)));
  act({ ...timed(succeed(building)), now: inSeconds(90) });
  t.is(
    await sample(/builds_total\{stage="export",device_class="",result="succeeded",reason="Stored"\} (\d+)/),
    '1',
  );
  t.is(
    await sample(
      /builds_total\{stage="engine",device_class="cpu",result="succeeded",reason="Stored"\} (\d+)/,
    ),
    '1',
  );
  t.is(
    await sample(
      /stage_duration_seconds_sum\{stage="engine",device_class="ampere",result="succeeded"\} (\S+)/,
    ),
    '30',
  );
  t.is(await sample(/queue_wait_seconds_sum\{stage="engine",device_class="ampere"\} (\S+)/), '10');
  t.is(await sample(/gpu_seconds_total\{device_class="ampere"\} (\S+)/), '60', 'two GPUs for 30 s');
  t.is(await sample(/time_to_ready_seconds_sum\{kind="ModelExport"\} (\S+)/), '90');
});

test('promtool finds no fault in the names and the text of a page', async (t) => {
  const { act, registry } = follow();
  const building = act(timed(succeed(act(anObserved()))));
  act({ ...timed(succeed(building)), now: inSeconds(90) });
  t.is(checkMetrics(await registry.metrics()), '');
});

test('finished work that is found counts as reused', async (t) => {
  const { act, sample } = follow();
  const exporting = act(anObserved());
  act(timed(finish(exporting, () => ({ kind: 'Succeeded', result: anExported({ reused: true }) }))));
  t.is(await sample(/reused_total\{stage="export",device_class=""\} (\d+)/), '1');
});

test('images per second of a calibration are those of its pod, and reused work adds none', async (t) => {
  const calibrationPass = { images: 80, seconds: '3.200' };
  for (const [reused, count] of [
    [false, '1'],
    [true, undefined],
  ] as const) {
    const { act, sample } = follow();
    const result = anExported({ calibrationPass, reused });
    act(timed(finish(act(anObserved()), () => ({ kind: 'Succeeded', result }))));
    t.is(await sample(/calibration_images_per_second_count\{architecture="classification"\} (\d+)/), count);
    t.is(
      await sample(/calibration_images_per_second_sum\{architecture="classification"\} (\S+)/),
      reused ? undefined : '25',
    );
  }
});

test('a failed attempt counts once, with its reason, however often the export is looked at', async (t) => {
  const { act, sample } = follow();
  const failure = { kind: 'Failed', reason: 'WrongKey', message: 'the key is wrong' } as const;
  const failed = act(timed(finish(act(anObserved()), () => failure)));
  act(act(failed));
  t.is(
    await sample(/builds_total\{stage="export",device_class="",result="failed",reason="WrongKey"\} (\d+)/),
    '1',
  );
});

test('the log has one line for each Job, each end of an attempt, and each change of Ready', (t) => {
  const { act, lines } = follow();
  const building = act(timed(succeed(act(anObserved()))));
  act(timed(succeed(building)));
  const about = { kind: 'ModelExport', namespace: 'vision', name: 'demo' };
  const reported = lines.filter(({ level }) => level !== 'debug');
  t.deepEqual(
    reported.map(
      ({ message, fields }) => `${message}: ${fields.deviceClass ?? fields.stage ?? fields.reason}`,
    ),
    [
      'status changed: Exporting',
      'created a Job: export',
      'stored an artifact: export',
      'status changed: BuildingEngines',
      'created a Job: ampere',
      'created a Job: cpu',
      'stored an artifact: ampere',
      'stored an artifact: cpu',
      'status changed: Ready',
    ],
  );
  for (const { fields } of reported) t.like(fields, about);
  const [, created] = reported;
  t.regex(String(created!.fields.job), /^demo-export-/);
  t.regex(String(created!.fields.key), /^[0-9a-f]{16}$/);
});

const storesOf = (exports: readonly ModelExport[]): StateStores => ({
  modelExports: { list: () => exports },
  tensorfiles: { list: () => [] },
  deviceClasses: { list: () => [aDeviceClass('cpu')] },
  countNodes: () => 3,
});

test('states are read at the scrape, and a deleted object leaves no series', async (t) => {
  const exports = [settle(anObserved()).modelExport];
  const registry = new Registry();
  stateMetrics(registry, makeStateSource(storesOf(exports)), { perObject: true });
  const page = await registry.metrics();
  t.regex(page, /modelexport_objects\{kind="ModelExport",namespace="vision",reason="Exporting"\} 1/);
  t.regex(page, /modelexport_engines\{device_class="cpu",reason="WaitingForExport"\} 1/);
  t.regex(page, /modelexport_device_class_nodes\{device_class="cpu",backend="OnnxRuntime"\} 3/);
  t.regex(page, /condition="Reconciling",status="True",reason="Exporting"\} 1/);
  exports.pop();
  t.false((await registry.metrics()).includes('vision'));
});

test('without series per object, counts remain', async (t) => {
  const registry = new Registry();
  const source = makeStateSource(storesOf([settle(anObserved()).modelExport]));
  stateMetrics(registry, source, { perObject: false });
  const page = await registry.metrics();
  t.regex(page, /modelexport_objects\{/);
  t.false(page.includes('modelexport_condition'));
});

test('work that hangs shows while it hangs', async (t) => {
  const clock = new HandClock();
  const registry = new Registry();
  const queue = new WorkQueue({ name: 'q', clock, random: () => 0, metrics: queueMetrics(registry) });
  for (const key of ['a', 'b']) queue.add(key);
  await queue.take();
  await clock.pass(20_000);
  await queue.take();
  await clock.pass(10_000);
  const page = await registry.metrics();
  t.regex(page, /workqueue_longest_running_processor_seconds\{name="q",controller="q"\} 30/);
  t.regex(page, /workqueue_unfinished_work_seconds\{name="q",controller="q"\} 40/);
  queue.done('a');
  t.regex(await registry.metrics(), /workqueue_work_duration_seconds_sum\{name="q",controller="q"\} 30/);
});

test('a defect of the program counts as a panic, and a refusal of the apiserver does not', async (t) => {
  const clock = new HandClock();
  const registry = new Registry();
  const queue = new WorkQueue({ name: 'q', clock, random: () => 0, metrics: queueMetrics(registry) });
  const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const thrown = [new TypeError('undefined is not a function'), new Error('refused')];
  const reconcile = () => Promise.reject(thrown.shift());
  const run = runController(
    { queue, workers: 3, reconcile },
    { clock, log: silent, metrics: controllerMetrics(registry) },
    new AbortController().signal,
  );
  for (const key of ['a', 'b']) queue.add(key);
  queue.stop();
  await run;
  const page = await registry.metrics();
  t.regex(page, /reconcile_panics_total\{controller="q"\} 1/);
  t.regex(page, /reconcile_errors_total\{controller="q"\} 2/);
  t.regex(page, /max_concurrent_reconciles\{controller="q"\} 3/);
});

test('metrics have the names, units and labels that Prometheus asks for', (t) => {
  const rows = Object.values(listMetrics()).flat();
  t.true(rows.length > 25);
  for (const { name, type, labels, help } of rows) {
    t.regex(name, /^(modelexport|controller_runtime|workqueue|rest_client|leader_election)_[a-z_]+$/);
    t.is(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') t.regex(name, /_(seconds|bytes|per_second)$/);
    for (const label of labels) t.regex(label, /^[a-z_]+$/, name);
    t.regex(help, /\.$/, name);
  }
});

/** Name → labels, as the sources of controller-runtime 0.25.2 register them. */
const theirs = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/controller-runtime/metrics.json'), 'utf8'),
) as Readonly<Record<string, readonly string[]>>;

test('each metric of controller-runtime exists with its labels, or the page of metrics says why not', (t) => {
  const ours = new Map(
    Object.values(listMetrics())
      .flat()
      .map(({ name, labels }) => [name, labels]),
  );
  const absent = absentMetrics.flatMap(({ names }) => names);
  for (const [name, labels] of Object.entries(theirs))
    if (absent.includes(name)) t.false(ours.has(name), name);
    else t.deepEqual(ours.get(name), labels, name);
  t.deepEqual(
    absent.filter((name) => !(name in theirs)),
    [],
  );
});
