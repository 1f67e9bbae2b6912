/** The state of a Job of several parts, from its pods. */
import test from 'ava';
import type { ContainerStatus, JobObject, PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import { observeJob } from '../../src/cluster/ownedjobs/observe-job.ts';
import type { ReadReport } from '../../src/cluster/ownedjobs/observed-job.ts';
import type { ProgressReport } from '../../src/ground/contract/progress.ts';
import type { Counted, Failed } from '../../src/ground/contract/result.ts';

const time = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

type PodPlan = {
  readonly index: number;
  /** In seconds. */
  readonly created?: number;
  readonly phase?: string;
  readonly state?: ContainerStatus['state'];
  readonly unschedulable?: string;
};

const aPod = ({ index, created = 0, phase = 'Running', state, unschedulable }: PodPlan): PodObject => ({
  metadata: {
    name: `p-${index}-${created}`,
    namespace: 'vision',
    uid: `uid-${index}-${created}`,
    creationTimestamp: time(created),
    labels: { 'batch.kubernetes.io/job-completion-index': String(index) },
  },
  spec: unschedulable === undefined ? { nodeName: `node-${index}` } : {},
  status: {
    phase,
    ...(state && { containerStatuses: [{ name: 'calibrate', state }] }),
    ...(unschedulable !== undefined && {
      conditions: [
        { type: 'PodScheduled', status: 'False', message: unschedulable, lastTransitionTime: time(0) },
      ],
    }),
  },
});

const running = (index: number, startedAt: number): PodObject =>
  aPod({ index, state: { running: { startedAt: time(startedAt) } } });
const ended = (exitCode: number, result: Counted | Failed | undefined, finished = 9) => ({
  terminated: {
    exitCode,
    startedAt: time(1),
    finishedAt: time(finished),
    ...(result && { message: JSON.stringify(result) }),
  },
});
const done = (index: number, images: number, changes: Partial<Counted> = {}): PodObject =>
  aPod({
    index,
    phase: 'Succeeded',
    state: ended(0, { kind: 'Counted', images, reused: false, ...changes }),
  });

const aJob = (type?: 'Complete' | 'Failed', message?: string): JobObject => ({
  metadata: {
    name: 'j',
    namespace: 'vision',
    uid: 'uid-j',
    labels: { 'export.tlt.dev/stage': 'calibration' },
  },
  spec: { completions: 3 },
  suspendedByUs: false,
  status: {
    conditions: type
      ? [{ type, status: 'True', lastTransitionTime: time(10), ...(message && { message }) }]
      : [],
  },
});

const observe = (
  job: JobObject,
  pods: readonly PodObject[],
  reports: Readonly<Record<string, ProgressReport>> = {},
) =>
  observeJob(job, {
    pods,
    isConfirmed: false,
    warnings: [],
    hardwareOf: () => undefined,
    isLost: () => false,
    reportOf: ({ metadata }) => {
      const report = reports[metadata.name];
      return report && ({ ...report, readAtMs: 5 } satisfies ReadReport);
    },
  });

const pass = (images: number) => ({ calibrationPass: { images, seconds: '2.500' } });

test('the result of a complete Job is the sum of its parts, each once', (t) => {
  const lost = aPod({ index: 1, created: 0, phase: 'Failed', state: ended(137, undefined) });
  const again = aPod({
    index: 1,
    created: 5,
    phase: 'Succeeded',
    state: ended(0, { kind: 'Counted', images: 30, reused: false, ...pass(30) }),
  });
  const pods = [done(0, 30, pass(30)), lost, again, done(2, 20, { reused: true })];
  t.deepEqual(observe(aJob('Complete'), pods).state, {
    kind: 'Succeeded',
    result: {
      kind: 'Counted',
      images: 80,
      calibrationPass: { images: 60, seconds: '5.000' },
      reused: false,
    },
  });
});

test('a complete Job whose pods are gone has stored everything: only a sum is unknown', (t) => {
  t.deepEqual(observe(aJob('Complete'), []).state, {
    kind: 'Succeeded',
    result: { kind: 'Counted', images: 0, reused: false },
  });
});

const imageInvalid: Failed = { kind: 'Failed', reason: 'ImageInvalid', message: 'x.jpg is broken' };
const interrupted: Failed = { kind: 'Failed', reason: 'Interrupted', message: 'SIGTERM' };

test('the failure of one part is the reason, not that the others were stopped', (t) => {
  const failed = (index: number, created: number, code: number, why: Failed) =>
    aPod({ index, created, phase: 'Failed', state: ended(code, why) });
  const pods = [failed(1, 0, 21, imageInvalid), failed(0, 4, 51, interrupted), failed(2, 4, 51, interrupted)];
  t.deepEqual(observe(aJob('Failed'), pods).state, {
    kind: 'Failed',
    reason: 'ImageInvalid',
    message: 'part 2: x.jpg is broken',
  });
  t.like(observe(aJob('Failed'), pods.slice(1)).state, { reason: 'Interrupted' });
});

test('the exit code of a pod that is gone is in the condition of the Job', (t) => {
  const message =
    'Container calibrate for pod v/j-1-x failed with exit code 21 matching FailJob rule at index 0';
  t.like(observe(aJob('Failed', message), [done(0, 30)]).state, { kind: 'Failed', reason: 'ImageInvalid' });
});

test('a Job of parts is not done when one of them is', (t) => {
  const early = observe(aJob(), [done(0, 30), running(1, 2), running(2, 3)]).state;
  t.deepEqual(early, { kind: 'Active', suspended: false });
  const killed = aPod({ index: 1, phase: 'Failed', state: ended(137, undefined) });
  t.deepEqual(observe(aJob(), [done(0, 30), killed, done(2, 20)]).state, early, 'it is replaced');
});

test('parts whose pods an injected container keeps running are done when all of them are', (t) => {
  const kept = (index: number, finished: number, exitCode = 0, result: Counted | Failed = counted) =>
    aPod({ index, state: ended(exitCode, result, finished) });
  const counted: Counted = { kind: 'Counted', images: 10, reused: false };
  t.like(observe(aJob(), [kept(0, 5), kept(1, 9), kept(2, 7)]).state, {
    kind: 'Active',
    earlyResult: { state: { kind: 'Succeeded' }, sinceMs: Date.parse(time(9)) },
  });
  t.like(observe(aJob(), [kept(0, 5), kept(1, 9, 21, imageInvalid), running(2, 1)]).state, {
    earlyResult: { state: { reason: 'ImageInvalid' }, sinceMs: Date.parse(time(9)) },
  });
});

test('a part that waits blocks the Job only while no other part is counted', (t) => {
  const unschedulable = '0/2 nodes are available: 2 Insufficient cpu.';
  const waiting = (index: number) => aPod({ index, phase: 'Pending', unschedulable });
  const blocked = observe(aJob(), [done(0, 30), waiting(1), waiting(2)]);
  t.like(blocked.state, { blocked: { reason: 'Unschedulable', message: unschedulable } });
  t.deepEqual(observe(aJob(), [running(0, 2), waiting(1), waiting(2)]).state, {
    kind: 'Active',
    suspended: false,
  });
});

test('the deadline counts from the start of the part that has run longest', (t) => {
  t.is(observe(aJob(), [done(0, 30), running(1, 30), running(2, 20)]).startedAtMs, Date.parse(time(20)));
  t.is(observe(aJob(), [done(0, 30)]).startedAtMs, Date.parse(time(1)));
  t.is(observe(aJob(), []).startedAtMs, undefined);
});

test('the progress of all parts adds up', (t) => {
  const pods = [done(0, 30), running(1, 2), running(2, 3)];
  const counting = { activity: 'Calibrating', total: 25 } as const;
  const reports = {
    'p-1-0': { ...counting, done: 5, perSecond: 2, secondsLeft: 10 },
    'p-2-0': { ...counting, done: 10, perSecond: 3, secondsLeft: 5 },
  };
  t.deepEqual(observe(aJob(), pods, reports).report, {
    activity: 'Calibrating',
    done: 45,
    total: 80,
    perSecond: 5,
    secondsLeft: 10,
    readAtMs: 5,
  });
  const opening = { activity: 'Opening', done: 0, total: 1 } as const;
  t.like(observe(aJob(), pods, { 'p-1-0': opening }).report, { activity: 'Opening' });
  t.is(observe(aJob(), pods).report, undefined);
});
