/** How many writes an export costs, whenever its engines are built. */
import test from 'ava';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import { joinMs } from '../../src/cluster/modelexport/join-results.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import { aClass, aModelExport, anEngineBuilt, anExported, anObserved } from '../builders/objects.ts';
import { performActions, settle, succeed } from '../builders/perform-actions.ts';

const classes = ['ada', 'ampere', 'cpu'].map((name) => aClass(name));
const modelExport = aModelExport({ spec: { deviceClasses: classes.map(({ name }) => ({ name })) } });

const start = (): ObservedExport => anObserved({ classes, modelExport });
const building = (): ObservedExport => settle(succeed(settle(start())));

/** The Job of a class, or of the export, has completed at this time of the observation. */
const complete = (observed: ObservedExport, deviceClass: string | undefined): ObservedExport => ({
  ...observed,
  jobs: observed.jobs.map((job): ObservedJob => {
    if (job.deviceClass !== deviceClass) return job;
    const result = deviceClass === undefined ? anExported() : anEngineBuilt();
    return { ...job, state: { kind: 'Succeeded', result }, finishedAtMs: observed.now };
  }),
});

const run = (observed: ObservedExport, deviceClass: string | undefined): ObservedExport => ({
  ...observed,
  jobs: observed.jobs.map((job) =>
    job.deviceClass === deviceClass ? { ...job, startedAtMs: observed.now } : job,
  ),
});

const after = (observed: ObservedExport, ms: number): ObservedExport => ({
  ...observed,
  now: observed.now + ms,
});

type Course = { observed: ObservedExport; readonly writes: string[] };

const look = (course: Course, next: ObservedExport): void => {
  const { actions } = decide(next);
  course.writes.push(...actions.map(({ kind }) => kind));
  course.observed = performActions(next, actions);
};

const readyOf = ({ modelExport: { status } }: ObservedExport): string => status!.enginesReady!;

for (const apartMs of [0, 500, 4000])
  test(`an export for three classes costs seven writes if its engines end ${apartMs} ms apart`, (t) => {
    const course: Course = { observed: start(), writes: [] };
    look(course, course.observed);
    look(course, run(after(course.observed, apartMs), undefined));
    look(course, complete(after(course.observed, apartMs), undefined));
    for (const { name } of classes) look(course, run(after(course.observed, apartMs), name));
    for (const { name } of classes) {
      look(course, complete(after(course.observed, apartMs), name));
      look(course, course.observed);
    }
    t.is(readyOf(course.observed), '3/3');
    t.is(course.writes.length, 7, course.writes.join(' '));
  });

test('a result waits for the others for a limited time, and the next reconcile is scheduled', (t) => {
  const one = complete(after(building(), 1000), 'ada');
  t.deepEqual(decide(one).actions, []);
  t.is(decide(one).requeueAfterMs, joinMs);
  const later = after(one, joinMs);
  t.is(readyOf(performActions(later, decide(later).actions)), '1/3');
});

test('the last result, or any other change, writes the waiting results at once', (t) => {
  const two = complete(complete(after(building(), 1000), 'ada'), 'cpu');
  t.deepEqual(decide(two).actions, []);
  const last = complete(after(two, 100), 'ampere');
  t.is(readyOf(performActions(last, decide(last).actions)), '3/3');
  const failed: ObservedExport = {
    ...two,
    jobs: two.jobs.map((job) =>
      job.deviceClass === 'ampere'
        ? { ...job, state: { kind: 'Failed', reason: 'EngineBuildFailed', message: 'no kernel' } }
        : job,
    ),
  };
  t.is(readyOf(performActions(failed, decide(failed).actions)), '2/3');
});

test('with a clock an hour behind that of the apiserver no result waits', (t) => {
  const ended = complete(building(), 'ada');
  const behind = after(ended, -3_600_000);
  t.is(readyOf(performActions(behind, decide(behind).actions)), '1/3');
});
