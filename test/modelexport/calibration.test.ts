/** An export whose calibration images are counted by several pods, from apply to status. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { makeCalibrationJob, makeExportJob, makeExportTask } from '../../src/cluster/jobs/export-job.ts';
import { computeExportKey } from '../../src/cluster/jobs/keys.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import {
  aModelExport,
  anExported,
  anObserved,
  aSpec,
  noObstacles,
  someArtifacts,
} from '../builders/objects.ts';
import { finish, performActions, settle } from '../builders/perform-actions.ts';

type Calibration = NonNullable<ModelExport['spec']['calibration']>;

const inParts = (parallelism: number, changes: Partial<ModelExport['spec']> = {}) => {
  const spec = aSpec(changes);
  return { ...spec, calibration: { ...(spec.calibration as Calibration), parallelism } };
};
const edit = (observed: ObservedExport, spec: ModelExport['spec']): ObservedExport => ({
  ...observed,
  modelExport: { ...observed.modelExport, spec },
});
const observedWith = (spec: ModelExport['spec']) => anObserved({ modelExport: aModelExport({ spec }) });
const counting = (parallelism = 3) => settle(observedWith(inParts(parallelism)));
const count = (observed: ObservedExport) =>
  finish(observed, () => ({ kind: 'Succeeded', result: { kind: 'Counted', images: 80, reused: false } }));
const stages = ({ jobs }: ObservedExport) => jobs.map(({ stage }) => stage);
const statusOf = ({ modelExport }: ObservedExport) => modelExport.status!;
const condition = (observed: ObservedExport, type: string) =>
  statusOf(observed).conditions!.find((each) => each.type === type)!;
const changeJob = (observed: ObservedExport, changes: Partial<ObservedJob>): ObservedExport => ({
  ...observed,
  jobs: observed.jobs.map((job) => ({ ...job, ...changes })),
});

test('the images are counted, then the model is exported', (t) => {
  const first = counting();
  t.deepEqual(stages(first), ['calibration']);
  t.like(condition(first, 'Reconciling'), {
    reason: 'Calibrating',
    message: '3 pods count the calibration images',
  });
  t.is(statusOf(first).progress, 'calibrating in 3 pods');
  const counted = count(first);
  const { actions } = decide(counted);
  t.deepEqual(
    actions.map(({ kind }) => kind),
    ['WriteStatus', 'CreateJob'],
    'what was counted is recorded first',
  );
  const exporting = performActions(counted, actions);
  t.deepEqual(stages(exporting), ['calibration', 'export']);
  t.is(condition(exporting, 'Reconciling').reason, 'Exporting');
  const exported = finish(exporting, () => ({ kind: 'Succeeded', result: anExported() }));
  t.is(condition(settle(exported), 'Exported').status, 'True');
});

test('the Job has one index for each part, and retries an index by itself', (t) => {
  const [, create] = decide(observedWith(inParts(3))).actions;
  t.is(create!.kind, 'CreateJob');
  const { spec } = (create as Extract<typeof create, { kind: 'CreateJob' }>)!.job;
  t.like(spec, { completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 2 });
  t.false('backoffLimit' in spec);
  t.like(spec.podFailurePolicy, { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In' } }] });
});

test('its pods have the settings of the export pod: security, account, key, volumes, placement and limits', (t) => {
  const jobs: ModelExport['spec']['jobs'] = {
    serviceAccountName: 'exporter',
    priorityClassName: 'batch',
    export: { placement: { nodeSelector: { pool: 'cpu' } }, deadlineSeconds: 100 },
    metadata: { labels: { 'kueue.x-k8s.io/queue-name': 'exports' } },
  };
  const owner = aModelExport({ spec: inParts(3, { jobs }) });
  const images = { worker: 'worker:dev', rtx: 'rtx:dev', pullSecrets: ['registry'] };
  type Template = { metadata: { labels: object }; spec: { containers: readonly [object] } };
  const [one, many] = [makeExportJob(owner, images), makeCalibrationJob(owner, images)!].map(
    ({ metadata, spec }) => {
      const { metadata: ofPod, spec: pod } = (spec as { template: Template }).template;
      const { name, command, ...container } = pod.containers[0] as { name: string; command: string[] };
      return {
        pod: { ...pod, containers: [container] },
        labels: Object.keys(ofPod.labels).sort(),
        queue: metadata.labels['kueue.x-k8s.io/queue-name'],
        annotations: metadata.annotations,
        ttl: spec.ttlSecondsAfterFinished,
        command: [name, ...command.slice(1, 3)],
      };
    },
  );
  t.deepEqual(one!.command, ['export', '/app/dist/worker.js', 'export']);
  t.deepEqual({ ...many, command: [] }, { ...one, command: [] });
  t.deepEqual(many!.command, ['calibrate', '/app/dist/worker.js', 'count']);
});

test('parallelism changes no key, and 1 changes nothing at all', (t) => {
  const [plain, one, three] = [aSpec(), inParts(1), inParts(3)].map((spec) => aModelExport({ spec }));
  t.is(computeExportKey(three!), computeExportKey(plain!));
  t.deepEqual(makeExportTask(one!), makeExportTask(plain!));
  t.deepEqual(stages(settle(observedWith(inParts(1)))), ['export']);
  const { parts, ...rest } = makeExportTask(three!);
  t.deepEqual(rest, makeExportTask(plain!));
  t.is(parts!.of, 3);
  t.is(rest.histograms, `${parts!.folder}.hist`);
});

test('an export that is not int8 counts nothing', (t) => {
  const spec = inParts(3, { dataType: 'fp16' });
  t.deepEqual(stages(settle(observedWith(spec))), ['export']);
  t.is(statusOf(settle(observedWith(spec))).calibration, undefined);
});

test('what was counted is not counted again when its Job is gone', (t) => {
  const exporting = settle(count(counting()));
  const again = settle({ ...exporting, jobs: [] });
  t.deepEqual(stages(again), ['export']);
});

test('a lost status is rebuilt from the Jobs', (t) => {
  const exporting = settle(count(counting()));
  const { status: _, ...modelExport } = exporting.modelExport;
  const forgotten = settle({ ...exporting, modelExport });
  t.deepEqual(stages(forgotten), ['calibration', 'export']);
  // The export Job of the same name runs, so that nothing has to be counted for it.
  t.is(condition(forgotten, 'Reconciling').reason, 'Exporting');
});

test('a failed part stalls the export with its reason, and a request counts again', (t) => {
  const failed = settle(
    finish(counting(), () => ({ kind: 'Failed', reason: 'ImageInvalid', message: 'part 2: broken' })),
  );
  t.like(condition(failed, 'Stalled'), { status: 'True', reason: 'ImageInvalid' });
  t.regex(condition(failed, 'Stalled').message, /part 2: broken/);
  t.is(statusOf(failed).calibration!.attempts!.length, 1);
  t.deepEqual(stages(failed), ['calibration']);
  const metadata = { ...failed.modelExport.metadata, annotations: { 'export.tlt.dev/requested-at': '1' } };
  const requested = settle({ ...failed, modelExport: { ...failed.modelExport, metadata } });
  t.is(condition(requested, 'Reconciling').reason, 'Calibrating');
  t.is(requested.jobs.filter(({ state }) => state.kind === 'Active').length, 1);
});

test('a transient failure is retried after a pause, and the export waits', (t) => {
  const failed = settle(
    finish(counting(), () => ({ kind: 'Failed', reason: 'Disrupted', message: 'part 1: drained' })),
  );
  t.like(condition(failed, 'Reconciling'), { status: 'True', reason: 'Disrupted' });
  t.is(decide(failed).requeueAfterMs, 60_000);
  const later = settle({ ...failed, now: failed.now + 60_000 });
  t.deepEqual(stages(later), ['calibration', 'calibration']);
});

test('another number of parts replaces a Job that has not started, and what the old one counted does not count', (t) => {
  const changed = settle(edit(counting(3), inParts(5)));
  t.deepEqual(stages(changed), ['calibration']);
  t.is(condition(changed, 'Reconciling').message, '5 pods count the calibration images');
  const counted = settle(edit(settle(count(counting(3))), inParts(5)));
  t.deepEqual(stages(counted).toSorted(), ['calibration', 'calibration']);
});

test('an export that runs is kept when parallelism is set', (t) => {
  const running = changeJob(settle(anObserved()), { startedAtMs: anObserved().now });
  t.deepEqual(stages(settle(edit(running, inParts(3)))), ['export']);
});

test('a stored export counts nothing, also while it is verified', (t) => {
  const { etlt } = someArtifacts();
  const stored = settle(
    finish(settle(count(counting())), () => ({ kind: 'Succeeded', result: anExported() })),
  );
  t.is(statusOf(stored).export!.etlt!.sha256, etlt.sha256);
  const annotations = { 'export.tlt.dev/verify-requested-at': '1' };
  const metadata = { ...stored.modelExport.metadata, annotations };
  const verified = settle({ ...stored, jobs: [], modelExport: { ...stored.modelExport, metadata } });
  t.false(stages(verified).includes('calibration'));
});

test('suspend stops the counting, and a queue admits it', (t) => {
  const suspended = settle(edit(counting(), { ...inParts(3), suspend: true }));
  t.like(suspended.jobs[0]!.state, { kind: 'Active', suspended: true });
  t.is(condition(suspended, 'Ready').reason, 'Suspended');
  const state = { kind: 'Active', suspended: true } as const;
  const queued = settle(changeJob(counting(), { isQueued: true, state }));
  t.is(condition(queued, 'Reconciling').reason, 'Queued');
});

test('a part that runs longer than the deadline fails the counting', (t) => {
  const { now } = anObserved();
  const late = settle(changeJob(counting(), { startedAtMs: now - 6 * 3_600_000 }));
  t.is(condition(late, 'Stalled').reason, 'DeadlineExceeded');
});

test('another object that counts the same images is waited for', (t) => {
  const findTwin = (folder: string) => (folder.includes('/histograms/') ? 'other' : undefined);
  const obstacles = { ...noObstacles, findTwin };
  const waiting = settle({ ...observedWith(inParts(3)), obstacles });
  t.is(condition(waiting, 'Reconciling').reason, 'WaitingForTwin');
  t.deepEqual(stages(waiting), []);
});

test('status shows how far all parts are together', (t) => {
  const { now } = anObserved();
  const report = {
    activity: 'Calibrating',
    done: 20,
    total: 50,
    perSecond: 4,
    secondsLeft: 9,
    readAtMs: now,
  } as const;
  const running = settle(changeJob(counting(), { startedAtMs: now, report }));
  t.like(statusOf(running).calibration!.running, { percent: 25, done: 20, total: 80, perSecond: '4.0' });
  t.is(statusOf(running).progress, 'calibrating 25%, 9s left in 3 pods');
  t.is(statusOf(running).export?.running, undefined);
});
