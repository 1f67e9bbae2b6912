/** The states of a CalibrationTensorfile, simulated on values: decisions and kstatus at each step. */
import test from 'ava';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import { unseen } from '../../src/cluster/api/shared-schemas.ts';
import { decide, type TensorfileAction } from '../../src/cluster/calibrationtensorfile/decide.ts';
import type { ObservedTensorfile } from '../../src/cluster/calibrationtensorfile/observe.ts';
import type { Job } from '../../src/cluster/jobs/job.ts';
import type { JobState } from '../../src/cluster/ownedjobs/observed-job.ts';
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import type { TensorfileTask } from '../../src/ground/contract/task.ts';
import { type Kstatus, kstatusOf } from '../builders/kstatus.ts';
import { active, aJobOf, aTensorfile, aTensorfileWritten, noObstacles } from '../builders/objects.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const anObserved = (changes: Partial<ObservedTensorfile> = {}): ObservedTensorfile => ({
  tensorfile: aTensorfile(),
  jobs: [],
  images: { worker: 'worker:dev', rtx: 'rtx:dev' },
  now,
  obstacles: noObstacles,
  ...changes,
});

const performedOne = (world: ObservedTensorfile, action: TensorfileAction): ObservedTensorfile => {
  const others = world.jobs.filter(({ name }) => !('name' in action) || name !== action.name);
  switch (action.kind) {
    case 'CreateJob':
      return { ...world, jobs: [...others, aJobOf(action.job, active)] };
    case 'DeleteJob':
      return { ...world, jobs: others };
    case 'WriteStatus':
      return { ...world, tensorfile: { ...world.tensorfile, status: action.status } };
    default:
      return world;
  }
};

/** Repeats reconciles until nothing changes; throws if that takes too long. */
const settled = (start: ObservedTensorfile): ObservedTensorfile => {
  let observed = start;
  for (let round = 0; round < 10; round++) {
    const { actions } = decide(observed);
    if (actions.length === 0) return observed;
    observed = actions.reduce(performedOne, observed);
  }
  throw new Error('does not settle');
};

const ended = (observed: ObservedTensorfile, state: JobState): ObservedTensorfile =>
  settled({ ...observed, jobs: observed.jobs.map((job) => ({ ...job, state })) });

const kinds = (observed: ObservedTensorfile) => decide(observed).actions.map(({ kind }) => kind);
const conditionOf = ({ tensorfile }: ObservedTensorfile, type: string) =>
  tensorfile.status!.conditions!.find((condition) => condition.type === type)!;
const jobIn = (observed: ObservedTensorfile): Job =>
  decide(observed).actions.flatMap((action) => (action.kind === 'CreateJob' ? [action.job] : []))[0]!;

const seen = aTensorfile({ status: { observedGeneration: 1 } });
const writing = settled(anObserved());
const written = ended(writing, { kind: 'Succeeded', result: aTensorfileWritten() });
const failed = ended(writing, { kind: 'Failed', reason: 'SpecInvalid', message: 'line 3' });
const blocked = ended(writing, {
  kind: 'Active',
  suspended: false,
  blocked: { reason: 'SpecMissing', message: 'ConfigMap specs does not exist in this namespace: create it' },
});
const suspended = settled(anObserved({ tensorfile: aTensorfile({ spec: { suspend: true } }) }));
const changedTo = (changes: Parameters<typeof aTensorfile>[0]): CalibrationTensorfile =>
  ({ ...aTensorfile(changes), status: written.tensorfile.status }) as CalibrationTensorfile;

test('the first write is a status, before any Job exists', (t) => {
  for (const tensorfile of [aTensorfile(), aTensorfile({ status: unseen })])
    t.deepEqual(kinds(anObserved({ tensorfile })), ['WriteStatus', 'CreateJob']);
});

test('then one Job, named after its content and owned by the object, whose task contains no ConfigMap', (t) => {
  const { metadata, spec } = jobIn(anObserved({ tensorfile: seen }));
  t.regex(metadata.name, /^kitti-tensorfile-[0-9a-f]{10}$/);
  t.like(metadata.ownerReferences[0], { kind: 'CalibrationTensorfile', uid: 'uid-kitti', controller: true });
  t.like(metadata.labels, {
    'export.tlt.dev/calibration-tensorfile': 'kitti',
    'export.tlt.dev/calibration-tensorfile-uid': 'uid-kitti',
    'export.tlt.dev/stage': 'tensorfile',
  });
  const { containers, volumes } = (spec.template as { spec: PodSpec }).spec;
  const [, , command, , text] = containers[0]!.command;
  t.is(command, 'tensorfile');
  const task = JSON.parse(text!) as TensorfileTask;
  t.like(task, { architecture: 'detectnet_v2', experimentSpec: {}, maxBatches: 10, seed: 42 });
  t.is(task.folder, `pvc://exports/kitti/${task.tensorfileKey}`);
  t.deepEqual(
    volumes.map(({ name }) => name),
    ['claim-0', 'claim-1', 'spec', 'temporary'],
  );
  const readOnly = containers[0]!.volumeMounts.flatMap((mount) => (mount.readOnly ? [mount.mountPath] : []));
  t.deepEqual(readOnly, [`${mounts.claims}/data`, '/run/config/export.tlt.dev']);
});

type PodSpec = {
  readonly containers: readonly {
    readonly command: readonly string[];
    readonly volumeMounts: readonly { readonly mountPath: string; readonly readOnly?: boolean }[];
  }[];
  readonly volumes: readonly { readonly name: string }[];
};

test('the written file is in status, the object is Ready and needs no more actions', (t) => {
  const { key, tensorfile, progress } = written.tensorfile.status!;
  t.deepEqual(tensorfile, toArtifact(`pvc://exports/kitti/${key}`, aTensorfileWritten().tensorfile));
  t.is(progress, 'done');
  t.regex(conditionOf(written, 'Ready').message, /^160 images in 10 batches stored at pvc:/);
  t.deepEqual(kinds(written), []);
});

test('a Job that is deleted after its result is in status is not created again', (t) => {
  t.deepEqual(kinds({ ...written, jobs: [] }), []);
});

test('a lost status is rebuilt from the Job', (t) => {
  const again = settled({ ...written, tensorfile: aTensorfile() });
  t.deepEqual(again.tensorfile.status?.tensorfile, written.tensorfile.status!.tensorfile);
});

test('another sample is another Job; status lists the previous file until the new one is stored', (t) => {
  const tensorfile = changedTo({ spec: { maxBatches: 20 }, metadata: { generation: 2 } });
  const again = settled({ ...written, jobs: [], tensorfile });
  t.is(again.jobs.length, 1);
  t.not(again.jobs[0]!.name, writing.jobs[0]!.name);
  t.deepEqual(again.tensorfile.status?.tensorfile, written.tensorfile.status!.tensorfile);
  t.is(conditionOf(again, 'Ready').status, 'False');
});

test('a change that does not affect the batches creates no other Job', (t) => {
  const jobs = { metadata: { labels: { team: 'vision' } } };
  const tensorfile = changedTo({ spec: { jobs }, metadata: { generation: 2 } });
  t.deepEqual(kinds({ ...written, jobs: [], tensorfile }), ['WriteStatus']);
});

test('a permanent failure is Stalled with its reason, and retried only on request', (t) => {
  t.is(conditionOf(failed, 'Stalled').reason, 'SpecInvalid');
  t.deepEqual(kinds(failed), []);
  t.deepEqual(kinds({ ...failed, jobs: [] }), [], 'a Job that is deleted does not run again');
  const metadata = { ...failed.tensorfile.metadata, annotations: { 'export.tlt.dev/requested-at': '1' } };
  const again = settled({ ...failed, tensorfile: { ...failed.tensorfile, metadata } });
  t.is(again.jobs.length, 2);
  const [old, next] = again.jobs;
  t.not(next!.name, old!.name);
  const result = { kind: 'Succeeded', result: aTensorfileWritten() } as const;
  const done = settled({ ...again, jobs: [old!, { ...next!, state: result }] });
  t.is(done.tensorfile.status?.lastHandledRequest, '1');
  t.is(conditionOf(done, 'Ready').status, 'True');
  t.is(done.tensorfile.status?.lastFailure?.reason, 'SpecInvalid');
});

test('suspend creates no Job and suspends a running one; a queued one is deleted', (t) => {
  t.deepEqual(suspended.jobs, []);
  const tensorfile = { ...aTensorfile({ spec: { suspend: true } }), status: writing.tensorfile.status! };
  const actionsOn = (changes: object) =>
    kinds({ ...writing, tensorfile, jobs: writing.jobs.map((job) => ({ ...job, ...changes })) });
  t.true(actionsOn({}).includes('SuspendJob'));
  t.deepEqual(
    actionsOn({ isQueued: true }).filter((kind) => kind.endsWith('Job')),
    ['DeleteJob'],
  );
});

test('an object that is being deleted is ignored', (t) => {
  const tensorfile = aTensorfile({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
  t.deepEqual(kinds(anObserved({ tensorfile })), []);
});

const looks = test.macro({
  exec: (t, { tensorfile }: ObservedTensorfile, kstatus: Kstatus, reason: string) => {
    t.is(kstatusOf(tensorfile), kstatus);
    const conditions = tensorfile.status!.conditions!;
    t.deepEqual(
      conditions.map(({ type }) => type),
      ['Reconciling', 'Stalled', 'Ready'],
    );
    t.true(conditions.every(({ observedGeneration }) => observedGeneration === 1));
    t.true(conditions.filter(({ status }) => status === 'True').length <= 1);
    t.is(conditions[2]!.reason, reason);
  },
  title: (moment) => `kstatus: ${moment}`,
});

const first = anObserved();
test(
  'the first write',
  looks,
  decide(first).actions.slice(0, 1).reduce(performedOne, first),
  'InProgress',
  'WritingTensorfile',
);
test('the tensorfile is being written', looks, writing, 'InProgress', 'WritingTensorfile');
test('its ConfigMap is missing', looks, blocked, 'InProgress', 'SpecMissing');
test('suspended before completion', looks, suspended, 'InProgress', 'Suspended');
test('the file is stored', looks, written, 'Current', 'Ready');
test('sampling failed', looks, failed, 'Failed', 'SpecInvalid');
