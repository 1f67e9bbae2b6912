/**
 * What Argo CD and Flux conclude from our objects, in their own interpreters, over every combination of what can happen to
 * an export: an unfinished one is never Healthy or Current, and a failure is never reported while something still runs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { unseen } from '../../src/cluster/api/shared-schemas.ts';
import { decide as decideTensorfile } from '../../src/cluster/calibrationtensorfile/decide.ts';
import { decide as decideClass } from '../../src/cluster/deviceclass/decide.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { JobState } from '../../src/cluster/ownedjobs/observed-job.ts';
import { kstatusOf } from '../builders/kstatus.ts';
import { a10Labels, aGpuNode } from '../builders/nodes.ts';
import {
  aClass,
  active,
  aDeviceClass,
  aJobOf,
  aModelExport,
  anEngineBuilt,
  anExported,
  anObserved,
  aTensorfile,
  aTensorfileWritten,
  noObstacles,
} from '../builders/objects.ts';
import { stored, withJobs } from '../builders/stored-exports.ts';
import { type Health, healthOf, realKstatusOf, runLua } from './ask.ts';

const root = join(import.meta.dirname, '..', '..');

type Moment<T> = { readonly name: string; readonly object: T; readonly isFinished: boolean };

const waiting: JobState = {
  kind: 'Active',
  suspended: false,
  blocked: { reason: 'KeySecretMissing', message: 'Secret demo-key does not exist: create it' },
};
const resultLost = { kind: 'Failed', reason: 'ResultLost', message: 'its pod was deleted' } as const;
/** By what can happen to a Job. `none`: it does not exist yet. */
const fates: Readonly<Record<string, JobState | undefined>> = {
  none: undefined,
  running: active,
  queued: { kind: 'Active', suspended: true },
  waiting,
  unknown: { kind: 'ResultUnknown', sinceMs: Date.parse('2026-01-01T00:00:00Z'), otherwise: resultLost },
  interrupted: { kind: 'Failed', reason: 'Disrupted', message: 'the node was drained' },
  failed: { kind: 'Failed', reason: 'EngineBuildFailed', message: 'the builder refused' },
};
const engineFates = { ...fates, done: { kind: 'Succeeded', result: anEngineBuilt() } as JobState };
const exportFates = { ...fates, failed: { ...fates.failed!, reason: 'WrongKey' } as JobState };
const exported: JobState = { kind: 'Succeeded', result: anExported() };

const statesOf = (states: Readonly<Record<string, JobState | undefined>>): Record<string, JobState> =>
  Object.fromEntries(Object.entries(states).flatMap(([part, state]) => (state ? [[part, state]] : [])));

type Circumstances = { readonly suspend: boolean; readonly hasNodes: boolean };

const objectOf = (
  states: Readonly<Record<string, JobState | undefined>>,
  { suspend, hasNodes }: Circumstances,
): ModelExport => {
  const modelExport = aModelExport({ status: { observedGeneration: 1 } });
  const classes = [aClass('ampere', hasNodes ? {} : { matchingNodes: 0 }), aClass('cpu')];
  const running = withJobs(anObserved({ modelExport, classes }), statesOf(states));
  return stored({ ...running, modelExport: { ...modelExport, spec: { ...modelExport.spec, suspend } } });
};

const circumstances: readonly Circumstances[] = [
  { suspend: false, hasNodes: true },
  { suspend: false, hasNodes: false },
  { suspend: true, hasNodes: true },
];

/** Every combination of fates of the export and of two engines, in all circumstances. */
const moments: readonly Moment<ModelExport>[] = circumstances.flatMap((circumstance) => {
  const how = JSON.stringify(circumstance);
  const early = Object.entries(exportFates).map(([fate, state]) => ({
    name: `export ${fate}, ${how}`,
    object: objectOf({ export: state }, circumstance),
    isFinished: false,
  }));
  const late = Object.entries(engineFates).flatMap(([ampere, first]) =>
    Object.entries(engineFates).map(([cpu, second]) => ({
      name: `ampere ${ampere}, cpu ${cpu}, ${how}`,
      object: objectOf({ export: exported, ampere: first, cpu: second }, circumstance),
      // A class without nodes gets no Job, so its engine is not built.
      isFinished: circumstance.hasNodes && ampere === 'done' && cpu === 'done',
    })),
  );
  return [...early, ...late];
});

const withChange = (object: ModelExport): ModelExport => ({
  ...object,
  metadata: { ...object.metadata, generation: 2 },
  spec: { ...object.spec, maxBatchSize: 8 },
});

const changed = moments.map(({ name, object }) => ({
  name: `${name}, then changed`,
  object: withChange(object),
  isFinished: false,
}));
const deleted = moments.map(({ name, object }) => ({
  name: `${name}, then deleted`,
  object: { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
  isFinished: false,
}));
const unseenMoments: readonly Moment<ModelExport>[] = [
  { name: 'created', object: aModelExport({ status: unseen }), isFinished: false },
  { name: 'created, without a default', object: aModelExport(), isFinished: false },
];

const everyMoment: readonly Moment<ModelExport>[] = [...unseenMoments, ...moments, ...changed, ...deleted];

test('an export is Healthy exactly when all that its spec asks for is stored, at every moment of its life', async (t) => {
  t.true(everyMoment.length > 600);
  const found = await healthOf(
    'export-health',
    everyMoment.map(({ object }) => object),
  );
  for (const [i, { name, isFinished }] of everyMoment.entries())
    t.is(found[i]!.status === 'Healthy', isFinished, `${name}: ${JSON.stringify(found[i])}`);
  t.true(everyMoment.some(({ isFinished }) => isFinished));
});

test('Degraded, Suspended and Progressing agree with the conditions, and with what Flux computes', async (t) => {
  const objects = everyMoment.map(({ object }) => object);
  const [health, kstatus] = await Promise.all([healthOf('export-health', objects), realKstatusOf(objects)]);
  const seen = new Set<string>();
  for (const [i, { name, object }] of everyMoment.entries()) {
    const { status } = health[i]!;
    const expected: Readonly<Record<string, readonly Health['status'][]>> = {
      Current: ['Healthy'],
      Failed: ['Degraded'],
      InProgress: ['Progressing', 'Suspended'],
      Terminating: ['Progressing'],
    };
    // Without a status nothing tells kstatus that somebody will write one; the default of the CRD does.
    if (object.status !== undefined)
      t.true(expected[kstatus[i]!]!.includes(status), `${name}: ${kstatus[i]}, ${status}`);
    t.is(kstatusOf(object), kstatus[i] as never, `${name}: our own reading of the rules of kstatus`);
    seen.add(status);
  }
  t.deepEqual([...seen].sort(), ['Degraded', 'Healthy', 'Progressing', 'Suspended']);
});

test('a requested attempt is Progressing at once, before the operator has seen the request', async (t) => {
  const failed = moments.find(({ name }) => name.startsWith('export failed'))!.object;
  const asked = (token: string): ModelExport => ({
    ...failed,
    metadata: { ...failed.metadata, annotations: { 'export.tlt.dev/requested-at': token } },
  });
  const handled = { ...asked('1'), status: { ...failed.status!, lastHandledRequest: '1' } };
  const [before, after, again, long] = await healthOf('export-health', [
    failed,
    asked('1'),
    handled,
    asked('x'.repeat(129)),
  ]);
  t.like(before, { status: 'Degraded' });
  t.true(before!.message.startsWith('WrongKey: export failed'));
  t.like(after, { status: 'Progressing', message: 'another attempt was requested' });
  t.is(again!.status, 'Degraded');
  t.is(long!.status, 'Degraded', 'status keeps the digest of a long token');
});

test('actions: what would change nothing is disabled', async (t) => {
  const named = (start: string) => moments.find(({ name }) => name.startsWith(start))!.object;
  const [running, failed, done, suspended] = await runLua<Readonly<Record<string, { disabled: boolean }>>>(
    'discovery',
    [
      named('export running'),
      named('export failed'),
      named('ampere done, cpu done'),
      moments.find(({ name }) => name.startsWith('export none') && name.includes('"suspend":true'))!.object,
    ],
  );
  const enabled = (actions: typeof running) =>
    Object.entries(actions!)
      .flatMap(([action, { disabled }]) => (disabled ? [] : [action]))
      .sort();
  t.deepEqual(enabled(running), ['retry', 'suspend']);
  t.deepEqual(enabled(failed), ['retry', 'suspend']);
  t.deepEqual(enabled(done), []);
  t.deepEqual(enabled(suspended), ['resume']);
});

test('the action retry makes the operator try again what failed, and changes nothing else', async (t) => {
  const modelExport = aModelExport({ status: { observedGeneration: 1 } });
  const world = withJobs(anObserved({ modelExport }), { export: exportFates.failed! });
  const failed = { ...world, modelExport: stored(world) };
  t.deepEqual(
    decide(failed).actions.filter(({ kind }) => kind === 'CreateJob'),
    [],
  );
  const [retried] = await runLua<ModelExport>('retry', [failed.modelExport]);
  const { annotations, ...metadata } = retried!.metadata;
  t.deepEqual({ ...retried, metadata }, failed.modelExport);
  t.regex(annotations!['export.tlt.dev/requested-at']!, /^argocd-\d{10}$/);
  const actions = decide({ ...failed, modelExport: retried! }).actions;
  t.is(actions.filter(({ kind }) => kind === 'CreateJob').length, 1);
});

test('the actions suspend and resume change spec.suspend alone', async (t) => {
  const object = aModelExport();
  const [suspended] = await runLua<ModelExport>('suspend', [object]);
  t.deepEqual(suspended, { ...object, spec: { ...object.spec, suspend: true } });
  const [resumed] = await runLua<ModelExport>('resume', [suspended!]);
  t.deepEqual(resumed, object);
});

const tensorfileAt = (state: JobState | undefined, suspend = false): CalibrationTensorfile => {
  let observed = {
    tensorfile: aTensorfile({ spec: { suspend }, status: { observedGeneration: 1 } }),
    jobs: [] as ReturnType<typeof aJobOf>[],
    images: { worker: 'worker:dev', rtx: 'rtx:dev' },
    now: Date.parse('2026-01-01T00:00:00Z'),
    obstacles: noObstacles,
  };
  for (let round = 0; round < 4; round++)
    for (const action of decideTensorfile(observed).actions) {
      if (action.kind === 'WriteStatus')
        observed = { ...observed, tensorfile: { ...observed.tensorfile, status: action.status } };
      if (action.kind === 'CreateJob' && state) observed = { ...observed, jobs: [aJobOf(action.job, state)] };
    }
  return observed.tensorfile;
};

test('a CalibrationTensorfile is Healthy exactly when its file is stored', async (t) => {
  const tensorfileFates = { ...fates, failed: { ...fates.failed!, reason: 'SpecInvalid' } as JobState };
  const rows = [
    ...Object.entries(tensorfileFates).map(([name, state]) => ({ name, object: tensorfileAt(state) })),
    { name: 'suspended', object: tensorfileAt(undefined, true) },
    { name: 'written', object: tensorfileAt({ kind: 'Succeeded', result: aTensorfileWritten() }) },
    { name: 'created', object: aTensorfile({ status: unseen }) },
  ];
  const objects = rows.map(({ object }) => object);
  const [health, kstatus] = await Promise.all([healthOf('export-health', objects), realKstatusOf(objects)]);
  const found = Object.fromEntries(rows.map(({ name }, i) => [name, `${health[i]!.status} ${kstatus[i]}`]));
  t.deepEqual(found, {
    none: 'Progressing InProgress',
    running: 'Progressing InProgress',
    queued: 'Progressing InProgress',
    waiting: 'Progressing InProgress',
    unknown: 'Progressing InProgress',
    interrupted: 'Progressing InProgress',
    failed: 'Degraded Failed',
    suspended: 'Suspended InProgress',
    written: 'Healthy Current',
    created: 'Progressing InProgress',
  });
});

test('a device class is Healthy with and without nodes, and Degraded if no engine can be built for it', async (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const withStatus = (
    deviceClass: ReturnType<typeof aDeviceClass>,
    nodes: Parameters<typeof decideClass>[0]['nodes'],
  ) => ({
    ...deviceClass,
    status: decideClass({ deviceClass, nodes, now }),
  });
  const ampere = aDeviceClass('ampere', { hardware: { computeCapability: '8.6' } });
  const objects = [
    ampere,
    withStatus(ampere, [aGpuNode('a', a10Labels)]),
    withStatus(ampere, []),
    withStatus(aDeviceClass('t4', { engine: { backend: 'TensorRt' } }), []),
    { ...withStatus(ampere, []), metadata: { ...ampere.metadata, generation: 2 } },
  ];
  const health = await healthOf('class-health', objects);
  t.deepEqual(
    health.map(({ status }) => status),
    ['Progressing', 'Healthy', 'Healthy', 'Degraded', 'Progressing'],
  );
  const conditionOf = (i: number, type: string) =>
    (objects[i] as ReturnType<typeof withStatus>).status!.conditions!.find((found) => found.type === type)!;
  t.is(health[2]!.message, conditionOf(2, 'HardwareAvailable').message);
  const { reason, message } = conditionOf(3, 'Stalled');
  t.is(health[3]!.message, `${reason}: ${message}`);
});

test("the patch of Argo CD's ConfigMap has these scripts, by Argo CD's keys", (t) => {
  const { data } = parse(readFileSync(join(root, 'deploy/argocd/argocd-cm.yaml'), 'utf8')) as {
    data: Record<string, string>;
  };
  const text = (script: string) => readFileSync(join(root, `deploy/argocd/lua/${script}.lua`), 'utf8');
  const prefix = 'resource.customizations';
  t.is(data[`${prefix}.health.export.tlt.dev_ExportDeviceClass`], text('class-health'));
  for (const kind of ['ModelExport', 'CalibrationTensorfile']) {
    t.is(data[`${prefix}.health.export.tlt.dev_${kind}`], text('export-health'));
    const actions = parse(data[`${prefix}.actions.export.tlt.dev_${kind}`]!) as Record<string, unknown>;
    t.is(actions['discovery.lua'], text('discovery'));
    t.deepEqual(
      actions.definitions,
      ['retry', 'suspend', 'resume'].map((name) => ({ name, 'action.lua': text(name) })),
    );
  }
});
