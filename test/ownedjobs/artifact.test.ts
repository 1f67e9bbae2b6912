/** The state of one artifact is decided by status, even if Jobs and pods are deleted. */
import test from 'ava';
import { keptAttempts, type Ledger } from '../../src/cluster/api/ledger.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import type { Job } from '../../src/cluster/jobs/job.ts';
import { planJob } from '../../src/cluster/jobs/template.ts';
import {
  type ArtifactPlan,
  type ArtifactProgress,
  assessArtifact,
  resultGraceMs,
} from '../../src/cluster/ownedjobs/artifact.ts';
import type { JobFailureReason, JobState, ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import { Refusals, refusalPauseMs } from '../../src/cluster/ownedjobs/refusals.ts';
import { attemptsInADay } from '../../src/cluster/ownedjobs/retry.ts';
import type { Obstacles } from '../../src/cluster/ownedjobs/start.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import { HandClock } from '../base/hand-clock.ts';
import { active, aJobOf, aModelExport, anExported, noObstacles } from '../builders/objects.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const minute = 60_000;
const images = { worker: 'worker:dev', rtx: 'rtx:dev' };

const aStep = (
  spec: Partial<ModelExport['spec']> = {},
  changes: Partial<ArtifactPlan> = {},
): ArtifactPlan => ({
  stage: 'export',
  owner: 'demo',
  key: 'k',
  folder: 'pvc://exports/classifier/k',
  isStored: false,
  ...planJob(() => makeExportJob(aModelExport({ spec }), images)),
  deadlineMs: 60 * minute,
  ...changes,
});

type World = {
  readonly before: Ledger;
  readonly jobs: readonly ObservedJob[];
  readonly now: number;
  readonly isRetryRequested: boolean;
  readonly verification: string | undefined;
  readonly obstacles: Obstacles;
};
const empty: World = {
  before: {},
  jobs: [],
  now: start,
  isRetryRequested: false,
  verification: undefined,
  obstacles: noObstacles,
};

const look = (world: World, step = aStep()): ArtifactProgress => assessArtifact(step, world);

/** Applies a decision: keeps the ledger, and creates the Job if one is to be created. */
const next = (world: World, step = aStep()): World => {
  const { state, ledger } = look(world, step);
  const made = state.kind === 'Start' ? [aJobOf(state.job, active)] : [];
  return { ...world, before: ledger, jobs: [...world.jobs, ...made], isRetryRequested: false };
};

const latest = (world: World, state: JobState, changes: Partial<ObservedJob> = {}): World => {
  const [job, ...older] = [...world.jobs].reverse();
  return { ...world, jobs: [...older.reverse(), { ...job!, state, finishedAtMs: world.now, ...changes }] };
};

const failed = (reason: JobFailureReason): JobState => ({ kind: 'Failed', reason, message: `for ${reason}` });
const after = (world: World, ms: number): World => ({ ...world, now: world.now + ms });

test('without a stored artifact or a failure, the Job is created, and found again by its labels', (t) => {
  t.is(look(empty).state.kind, 'Start');
  const running = next(empty);
  t.is(look(running).state.kind, 'Running');
  t.deepEqual(look(running).ledger, { wantedKey: 'k' });
});

test('a permanent failure stays Failed after its Job and pod are deleted', (t) => {
  const stopped = next(latest(next(empty), failed('WrongKey'), { node: 'n1' }));
  for (const jobs of [stopped.jobs, []]) {
    const { state, ledger } = look({ ...stopped, jobs });
    t.is(state.kind, 'Failed');
    t.like(ledger.attempts, [{ number: 1, reason: 'WrongKey', message: 'for WrongKey', node: 'n1' }]);
  }
});

test('the first failure of a Job counts, regardless of later reports of its pods', (t) => {
  const stopped = next(latest(next(empty), failed('WrongKey')));
  const later = latest(stopped, failed('PodFailed'));
  t.like(look(later).state, { kind: 'Failed', failure: { reason: 'WrongKey' } });
  t.is(look(later).ledger.attempts!.length, 1);
});

test('a transient failure is retried after 1, 5, 15 and 60 minutes, then hourly for a day', (t) => {
  let world = next(empty);
  const waits: number[] = [];
  for (let number = 1; number < attemptsInADay; number++) {
    const { state, lookAtMs } = look(latest(world, failed('StorageUnavailable')));
    t.is(state.kind, 'Later');
    waits.push((lookAtMs! - world.now) / minute);
    world = next(latest(world, failed('StorageUnavailable')));
    t.is(look(after(world, waits.at(-1)! * minute - 1)).state.kind, 'Later');
    world = next(after(world, waits.at(-1)! * minute));
    t.is(world.jobs.length, number + 1);
  }
  t.deepEqual(waits.slice(0, 6), [1, 5, 15, 60, 60, 60]);
  t.true(waits.every((wait, index) => wait === 60 || index < 3));
  const total = waits.reduce((sum, wait) => sum + wait, 0) / 60;
  t.true(total > 23 && total <= 24, `${total} hours`);
  const over = look(latest(world, failed('StorageUnavailable')));
  t.like(over.state, { kind: 'Failed', failure: { number: attemptsInADay } });
  t.is(over.ledger.attempts!.length, keptAttempts);
  t.is(new Set(world.jobs.map(({ name }) => name)).size, world.jobs.length, 'no name is used twice');
});

test('a clock that is set back an hour delays no attempt by an hour', (t) => {
  const world = next(latest(next(empty), failed('StorageUnavailable')));
  const atMs = (now: number) => {
    const { state, lookAtMs } = look({ ...world, now });
    return state.kind === 'Start' ? now : lookAtMs!;
  };
  for (const back of [0, 30, 59, 3600]) {
    const now = world.now - back * 1000;
    t.true(atMs(now) - now <= 2 * minute, `set back by ${back} s`);
  }
});

test('disruptions count like other transient failures', (t) => {
  const world = next(latest(next(empty), failed('Disrupted')));
  t.is(look(world).state.kind, 'Later');
  t.is(look(world).ledger.attempts![0]!.reason, 'Disrupted');
});

test('a request retries a failure, and creates no second Job while one runs', (t) => {
  const stopped = next(latest(next(empty), failed('WrongKey')));
  const again = next({ ...stopped, isRetryRequested: true });
  t.is(again.jobs.length, 2);
  t.is(again.before.attempts, undefined);
  t.is(again.before.lastFailure!.reason, 'WrongKey');
  t.is(look({ ...again, isRetryRequested: true }).state.kind, 'Running');
  t.is(
    look({ ...again, jobs: again.jobs.slice(0, 1) }).state.kind,
    'Start',
    'the old Job is not judged again',
  );
  t.like(next(latest(again, failed('WrongKey'))).before.attempts, [{ number: 1 }]);
});

const moreMemory = { jobs: { export: { resources: { limits: { memory: '8Gi' } } } } };
const changed = aStep(moreMemory);

test('a changed template replaces a failed, pending or suspended Job, and keeps a running pod', (t) => {
  const running = next(empty);
  t.is(look(running, changed).state.kind, 'Start', 'its pod has not started');
  t.is(look(latest(running, active, { startedAtMs: start }), changed).state.kind, 'Running');
  const suspended: JobState = { kind: 'Active', suspended: true };
  t.is(look(latest(running, suspended, { startedAtMs: start }), changed).state.kind, 'Start');
  const stopped = next(latest(running, failed('OutOfMemory')));
  t.is(look(stopped).state.kind, 'Failed');
  const replaced = next(stopped, changed);
  t.is(replaced.jobs.length, 2);
  t.is(look(latest(replaced, failed('OutOfMemory')), changed).state.kind, 'Failed');
});

test('another key drops the attempts, but not the last failure', (t) => {
  const stopped = next(latest(next(empty), failed('WrongKey')));
  const other = aStep({}, { key: 'other' });
  t.is(look(stopped, other).state.kind, 'Start');
  t.is(look(stopped, other).ledger.attempts, undefined);
  t.is(look(stopped, other).ledger.lastFailure!.reason, 'WrongKey');
});

test('the deadline counts from the start of the pod, and an exceeded deadline fails the artifact until it is raised', (t) => {
  const running = next(empty);
  t.is(look(after(running, 1000 * minute)).state.kind, 'Running', 'waiting does not count');
  const started = latest(running, active, { startedAtMs: start, finishedAtMs: undefined });
  t.is(look(started).lookAtMs, start + 60 * minute);
  const late = after(started, 60 * minute);
  t.like(look(late).state, { kind: 'Failed', failure: { reason: 'DeadlineExceeded' } });
  const longer = aStep({ jobs: { export: { deadlineSeconds: 7200 } } }, { deadlineMs: 120 * minute });
  t.is(look(late, longer).state.kind, 'Running', 'raised while it runs');
  t.is(look({ ...next(late), jobs: [] }, longer).state.kind, 'Start', 'raised after it was stopped');
});

test('a result counts although an injected container keeps the pod running', (t) => {
  const running = next(empty);
  const left = { state: { kind: 'Succeeded', result: anExported() }, sinceMs: start } as const;
  const kept = latest(running, { ...active, earlyResult: left } as JobState);
  t.is(look(kept).state.kind, 'Running');
  t.is(look(kept).lookAtMs, start + resultGraceMs);
  t.is(look(after(kept, resultGraceMs)).state.kind, 'Made');
});

test('a verdict by time waits until the pods were read from the apiserver', (t) => {
  const running = next(empty);
  const otherwise = { kind: 'Failed', reason: 'ResultLost', message: 'its pod was deleted' } as const;
  const done = latest(running, { kind: 'ResultUnknown', sinceMs: start, otherwise });
  const started = latest(running, active, { startedAtMs: start });
  const hours = after(done, 60 * minute);
  for (const { jobs } of [done, started]) {
    const cached = { ...hours, jobs: jobs.map((job) => ({ ...job, isConfirmed: false })) };
    t.like(look(cached), { state: { kind: 'Running' }, needsFreshPods: true, lookAtMs: undefined });
    t.is(look(cached).ledger.attempts, undefined);
    const { needsFreshPods, ledger } = look({ ...hours, jobs });
    t.is(needsFreshPods, undefined);
    t.is(ledger.attempts!.length, 1);
  }
  t.is(look({ ...after(done, resultGraceMs - 1) }).needsFreshPods, undefined, 'the cache may still show it');
});

test('a pod that has ended is not stopped by its deadline', (t) => {
  const left = { state: { kind: 'Succeeded', result: anExported() }, sinceMs: start + 60 * minute } as const;
  const changes = { startedAtMs: start };
  const late = after(latest(next(empty), { ...active, earlyResult: left } as JobState, changes), 60 * minute);
  t.is(look(late).state.kind, 'Running');
  t.is(look(after(late, resultGraceMs)).state.kind, 'Made');
});

test('a stored artifact needs no Job, and the Job that made it provides its times', (t) => {
  t.deepEqual(look(empty, aStep({}, { isStored: true })).state, { kind: 'Stored' });
  const done = latest(next(empty), { kind: 'Succeeded', result: anExported() }, { startedAtMs: start });
  const { state, ledger } = look(after(done, minute));
  t.is(state.kind, 'Made');
  t.deepEqual(ledger, {
    wantedKey: 'k',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:00Z',
  });
});

test('after a lost status, existing Jobs are evaluated again and no new one is created', (t) => {
  const first = next(latest(next(empty), failed('StorageUnavailable')));
  const second = next(after(first, minute));
  const forgotten = look({ ...second, before: {} });
  t.is(forgotten.state.kind, 'Running');
  t.is(forgotten.ledger.attempts!.length, 1);
});

test('a Job waits only while another object makes the same artifact in the same folder', (t) => {
  const findTwin = (folder: string) => (folder === 'pvc://exports/classifier/k' ? 'other' : undefined);
  const obstacles = { ...noObstacles, findTwin };
  const waiting = look({ ...empty, obstacles });
  t.deepEqual(waiting.state, { kind: 'Twin', owner: 'other' });
  t.true(waiting.lookAtMs! > start);
  t.is(look({ ...empty, obstacles }, aStep({}, { folder: 'pvc://exports/other/k' })).state.kind, 'Start');
  t.is(look({ ...next(empty), obstacles }).state.kind, 'Running', 'its own Job is no reason to wait');
});

test('a rejected Job is reported with the message of the apiserver, until the template changes', (t) => {
  const { state } = look(empty);
  const name = state.kind === 'Start' ? state.job.metadata.name : '';
  const refusal = { message: 'exceeded quota', canPass: true, isDue: false };
  const findRefusal = (job: string) => (job === name ? refusal : undefined);
  const refused = { ...empty, obstacles: { ...noObstacles, findRefusal } };
  t.like(look(refused).state, { kind: 'Refused', refusal });
  t.is(look(refused).lookAtMs, start + refusalPauseMs);
  t.is(look(refused, changed).state.kind, 'Start');
});

test('an invalid Job is a failed attempt in status, so that a new process creates it again only on request', (t) => {
  const refusal = { message: '422 spec.template: invalid', canPass: false, isDue: false };
  const obstacles = { ...noObstacles, findRefusal: () => refusal };
  const refused = look({ ...empty, obstacles });
  t.like(refused.state, { kind: 'Failed', failure: { number: 1, reason: 'JobRefused' } });
  t.is(refused.ledger.lastFailure, undefined, 'no Job failed');
  const restarted = { ...empty, before: refused.ledger };
  t.is(look(restarted).state.kind, 'Failed');
  t.is(look(restarted, changed).state.kind, 'Start', 'another template is another Job');
  t.is(look({ ...restarted, obstacles, isRetryRequested: true }).state.kind, 'Start');
});

test('an invalid Job after a failed one is the next attempt, and the failed Job stays the last failure', (t) => {
  const once = next(latest(next(empty), failed('StorageUnavailable')));
  const later = { ...once, now: once.now + 60_000 };
  const refusal = { message: 'invalid', canPass: false, isDue: false };
  const refused = look({ ...later, obstacles: { ...noObstacles, findRefusal: () => refusal } });
  t.like(refused.state, { kind: 'Failed', failure: { number: 2, reason: 'JobRefused' } });
  t.is(refused.ledger.lastFailure!.jobUid, once.before.lastFailure!.jobUid);
});

test('a stored artifact stays stored if the Job that verifies it is invalid', (t) => {
  const refusal = { message: 'invalid', canPass: false, isDue: false };
  const obstacles = { ...noObstacles, findRefusal: () => refusal };
  const stored = aStep({}, { isStored: true });
  t.is(look({ ...empty, obstacles, verification: '1' }, stored).state.kind, 'Stored');
});

test('a rejected Job is created again after a minute; an invalid one is recognised', async (t) => {
  const clock = new HandClock();
  const refusals = new Refusals(clock);
  const error = (status: number, message = `${status} as said`) =>
    new ApiError({ status, reason: 'X', message });
  refusals.note('ns/quota', error(403));
  refusals.note('ns/invalid', error(422));
  refusals.note(
    'ns/policy',
    error(422, `jobs.batch "a" is forbidden: ValidatingAdmissionPolicy 'p' denied request: no`),
  );
  refusals.note('ns/webhook', error(422, 'admission webhook "w" denied the request: no'));
  t.deepEqual(refusals.of('ns/quota'), { message: '403 as said', canPass: true, isDue: false });
  t.false(refusals.of('ns/invalid')!.canPass);
  t.true(refusals.of('ns/policy')!.canPass);
  t.true(refusals.of('ns/webhook')!.canPass);
  await clock.pass(refusalPauseMs);
  t.true(refusals.of('ns/quota')!.isDue);
  refusals.forget('ns/quota');
  t.is(refusals.of('ns/quota'), undefined);
  refusals.note('ns/old', error(403));
  await clock.pass(11 * refusalPauseMs);
  refusals.note('ns/new', error(403));
  t.is(refusals.of('ns/old'), undefined, 'what is not tried any more is forgotten');
  t.is(refusals.of('ns/invalid'), undefined, 'status remembers it');
});

test('a stored artifact is verified on request by its Job, and stays stored meanwhile', (t) => {
  const stored = aStep({}, { isStored: true });
  const asked = { ...empty, verification: '1' };
  const { state } = look(asked, stored);
  t.is(state.kind, 'Stored');
  const checking = { ...asked, jobs: [aJobOf((state as { toVerify: Job }).toVerify, active)] };
  t.like(look(checking, stored).state, { kind: 'Stored', verifies: { uid: checking.jobs[0]!.uid } });
  const sound = latest(checking, { kind: 'Succeeded', result: anExported() });
  t.is(look(sound, stored).state.kind, 'Made');
  const known = next(sound, stored);
  t.is(known.before.verifiedRequest, '1');
  t.deepEqual(look(known, stored).state, { kind: 'Stored' });
  t.deepEqual(look({ ...known, verification: undefined }, stored).state, { kind: 'Stored' });
  const damaged = latest(checking, failed('DigestMismatch'));
  t.like(look(damaged, stored).state, { kind: 'Failed', failure: { reason: 'DigestMismatch' } });
  t.like(look({ ...next(damaged, stored), verification: '2' }, stored).state, { kind: 'Failed' });
});
