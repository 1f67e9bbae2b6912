/** Progress in status: what it says while a pod runs, how often it is written, and when it ends. */
import test from 'ava';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { ObservedJob, ReadReport } from '../../src/cluster/ownedjobs/observed-job.ts';
import { progressWriteMs } from '../../src/cluster/ownedjobs/running.ts';
import { anObserved } from '../builders/objects.ts';
import { performActions, settle, succeed } from '../builders/perform-actions.ts';

const startedAtMs = Date.parse('2026-01-01T00:00:00Z');

const aReport = (done: number, seconds: number): ReadReport => ({
  activity: 'Calibrating',
  done,
  total: 200,
  perSecond: 12.14,
  secondsLeft: (200 - done) / 12.14,
  readAtMs: startedAtMs + seconds * 1000,
});

const withJobs = (observed: ObservedExport, changes: Partial<ObservedJob>): ObservedExport => ({
  ...observed,
  jobs: observed.jobs.map((job) => ({ ...job, ...changes })),
});

const atSeconds = (observed: ObservedExport, seconds: number): ObservedExport => ({
  ...observed,
  now: startedAtMs + seconds * 1000,
});

/** The export at some seconds after its pod started, with the report of that moment. */
const reported = (observed: ObservedExport, done: number, seconds: number): ObservedExport =>
  withJobs(atSeconds(observed, seconds), { startedAtMs, report: aReport(done, seconds) });

const exporting = settle(anObserved());
const act = (observed: ObservedExport): ObservedExport => performActions(observed, decide(observed).actions);
const statusOf = ({ modelExport }: ObservedExport) => modelExport.status!;

test('status shows activity, part, pace and time left of a running export', (t) => {
  const { export: exported, progress, conditions } = statusOf(act(reported(exporting, 86, 20)));
  t.deepEqual(exported!.running, {
    activity: 'Calibrating',
    percent: 43,
    done: 86,
    total: 200,
    perSecond: '12.1',
    secondsLeft: 9,
    reportedAt: '2026-01-01T00:00:20Z',
  });
  t.is(progress, 'exporting: calibrating 43%, 9s left');
  t.deepEqual(conditions, statusOf(exporting).conditions, 'the conditions stay as they were');
});

test('progress alone creates no event', (t) => {
  t.deepEqual(
    decide(reported(exporting, 86, 20)).actions.map(({ kind }) => kind),
    ['WriteStatus'],
  );
});

test('a report of one step has an activity and no part', (t) => {
  const observed = reported(exporting, 0, 20);
  const opening = { activity: 'Opening', done: 0, total: 1, readAtMs: observed.now } as const;
  const status = statusOf(act(withJobs(observed, { report: opening })));
  t.deepEqual(status.export!.running, { activity: 'Opening', reportedAt: '2026-01-01T00:00:20Z' });
  t.is(status.progress, 'exporting: opening the model');
});

test('progress alone is written at most every 15 seconds, and then the newest', (t) => {
  const first = act(reported(exporting, 86, 20));
  const soon = decide(reported(first, 120, 25));
  t.deepEqual(soon.actions, []);
  t.is(soon.requeueAfterMs, 10_000, 'when the next write is due');
  const later = act(reported(first, 180, 35));
  t.is(statusOf(later).export!.running!.percent, 90);
  t.is(progressWriteMs, 15_000);
});

test('another change is written at once, with the newest progress', (t) => {
  const first = act(reported(exporting, 86, 20));
  const suspended = { ...first.modelExport, spec: { ...first.modelExport.spec, suspend: true } };
  const { actions } = decide(reported({ ...first, modelExport: suspended }, 120, 21));
  const [written] = actions;
  t.is(written?.kind === 'WriteStatus' && written.status.export!.running!.done, 120);
});

test('a clock that is far behind that of the former leader delays no write', (t) => {
  const first = act(reported(exporting, 86, 3600));
  t.is(statusOf(act(reported(first, 120, 25))).export!.running!.done, 120);
});

test('an export that reports nothing has the writes and the words that it has without this', (t) => {
  const ran = withJobs(atSeconds(exporting, 60), { startedAtMs });
  t.deepEqual(decide(ran).actions, []);
  t.is(statusOf(ran).progress, 'exporting');
});

test('a new leader, which has read no report yet, writes nothing', (t) => {
  const first = act(reported(exporting, 86, 20));
  t.deepEqual(decide(withJobs(atSeconds(first, 60), { startedAtMs, report: undefined })).actions, []);
  const otherPod = withJobs(atSeconds(first, 60), { startedAtMs: startedAtMs + 50_000, report: undefined });
  t.is(statusOf(act(otherPod)).export!.running, undefined, 'that was the progress of another pod');
});

test('progress ends with the pod, in the write that records its result', (t) => {
  const first = act(reported(exporting, 86, 20));
  const stored = act(succeed(first));
  t.truthy(statusOf(stored).export!.etlt);
  t.is(statusOf(stored).export!.running, undefined);
});

test('each engine has its progress, and the column names those that report a part', (t) => {
  const building = settle(succeed(exporting));
  const [ampere, cpu] = building.jobs.filter(({ stage }) => stage === 'engine');
  const report = { activity: 'Building', done: 2, total: 5, readAtMs: startedAtMs + 20_000 } as const;
  const jobs = [{ ...ampere!, startedAtMs, report }, cpu!];
  const { engines, progress } = statusOf(act(atSeconds({ ...building, jobs }, 20)));
  t.like(engines![0]!.running, { activity: 'Building', percent: 40 });
  t.is(engines![1]!.running, undefined);
  t.is(progress, 'building engines, 0 done: ampere 40%');
});
