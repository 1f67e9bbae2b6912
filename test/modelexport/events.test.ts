/** One event for each change that may need a person, and none for what goes well: all reasons, from the decisions of the operator. */
import test from 'ava';
import { reasonGroups } from '../../src/cluster/api/reasons.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { JobState, ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import { aClass, active, aModelExport, anObserved, noObstacles } from '../builders/objects.ts';
import { finish, performActions, succeed } from '../builders/perform-actions.ts';

type Outcome = { readonly observed: ObservedExport; readonly events: readonly string[] };

/** Decides until nothing is left to do. Events are written as "type reason: note". */
const follow = (start: ObservedExport): Outcome => {
  let observed = start;
  const events: string[] = [];
  for (let round = 0; round < 10; round++) {
    const { actions } = decide(observed);
    if (actions.length === 0) return { observed, events };
    for (const action of actions)
      if (action.kind === 'PublishEvent')
        events.push(`${action.event.type} ${action.event.reason}: ${action.event.note}`);
    observed = performActions(observed, actions);
  }
  throw new Error('does not settle');
};

const oneClass = anObserved({
  modelExport: aModelExport({ spec: { deviceClasses: [{ name: 'ampere' }] } }),
  classes: [aClass('ampere')],
});
const exporting = follow(oneClass);
const building = follow(succeed(exporting.observed));
const failed = (reason: string): JobState => ({ kind: 'Failed', reason, message: 'as said' }) as JobState;
const blocked = (reason: string): JobState =>
  ({ ...active, blocked: { reason, message: 'as said' } }) as JobState;

/** Reasons that are not those of one Job. */
const summaries: readonly string[] = ['EnginesFailed', 'Stopped'];
const ofJobs = Object.keys({ ...reasonGroups.failed, ...reasonGroups.failing }).filter(
  (reason) => !summaries.includes(reason),
);
/** Reasons of waits for the pod of a Job. */
const ofPods = [
  'KeySecretMissing',
  'SpecMissing',
  'ClaimMissing',
  'ImagePullFailed',
  'Unschedulable',
  'PodRefused',
  'VolumeUnreachable',
  'VolumeInUse',
  'PodWaiting',
  'NodeLost',
] as const satisfies readonly (keyof typeof reasonGroups.waiting)[];

const states: readonly (readonly [reason: string, state: JobState])[] = [
  ...ofJobs.map((reason) => [reason, failed(reason)] as const),
  ...ofPods.map((reason) => [reason, blocked(reason)] as const),
];

for (const [reason, state] of states)
  test(`${reason} of an export or an engine is one event, and none while it stays`, (t) => {
    for (const [start, prefix] of [
      [exporting.observed, `Warning ${reason}: export `],
      [building.observed, `Warning ${reason}: engine for ampere: `],
    ] as const) {
      const { observed, events } = follow(finish(start, () => state));
      t.is(events.length, 1, events.join('\n'));
      t.true(events[0]!.startsWith(prefix) && events[0]!.includes('as said'), events[0]);
      t.deepEqual(follow({ ...observed, now: observed.now + 1000 }).events, []);
    }
  });

test('an export without problems has no event', (t) => {
  t.deepEqual([...exporting.events, ...building.events, ...follow(succeed(building.observed)).events], []);
});

test('a Job that the apiserver refuses, and a twin, are one event each', (t) => {
  const findRefusal = () => ({ message: 'exceeded quota', canPass: true, isDue: false });
  const waits = { JobRefused: { findRefusal }, WaitingForTwin: { findTwin: () => 'other' } };
  for (const [reason, obstacle] of Object.entries(waits)) {
    const obstacles = { ...noObstacles, ...obstacle };
    const { events } = follow({ ...oneClass, obstacles });
    t.is(events.length, 1);
    t.regex(events[0]!, new RegExp(`^Warning ${reason}: export waits: `));
    const engine = follow({ ...succeed(exporting.observed), obstacles }).events;
    t.is(engine.length, 1);
    t.regex(engine[0]!, new RegExp(`^Warning ${reason}: engine for ampere: `));
  }
});

test('a missing class, and a class without nodes, are one event each, also once the export is stored', (t) => {
  for (const [reason, change] of [
    ['DeviceClassMissing', { deviceClass: undefined }],
    ['NoMatchingNode', { matchingNodes: 0 }],
  ] as const) {
    const started = follow({ ...oneClass, classes: [aClass('ampere', change)] });
    const stored = follow(succeed(started.observed));
    const events = [...started.events, ...stored.events];
    t.is(events.length, 1, events.join('\n'));
    t.regex(events[0]!, new RegExp(`^Warning ${reason}: engine for ampere: `));
  }
});

const inClass =
  (name: string, state: JobState) =>
  ({ deviceClass, state: now }: ObservedJob): JobState =>
    deviceClass === name ? state : now;

test('of two engines, each failure is one event, and Stalled another one only if it comes later', (t) => {
  const two = follow(succeed(follow(anObserved()).observed)).observed;
  const problem = failed('EngineBuildFailed');
  const first = follow(finish(two, inClass('ampere', problem)));
  t.deepEqual(
    first.events.map((event) => event.split(':')[0]),
    ['Warning EngineBuildFailed'],
  );
  const last = follow(finish(first.observed, inClass('cpu', problem)));
  t.deepEqual(
    last.events.map((event) => event.split(', ')[0]),
    ['Warning EngineBuildFailed: engine for cpu: as said'],
  );
  const other = follow(succeed(first.observed));
  t.deepEqual(other.events, [
    'Warning EnginesFailed: 1 of 2 engines built; ampere failed (EngineBuildFailed): as said',
  ]);
});

test('the end of a problem is one event, and Ready is one only after a problem', (t) => {
  const waiting = follow(finish(exporting.observed, () => blocked('KeySecretMissing'))).observed;
  const started = follow(finish(waiting, () => active));
  t.deepEqual(started.events, ['Normal Exporting: the model is being exported']);
  const stalled = follow(finish(building.observed, () => failed('OutOfMemory'))).observed;
  const annotations = { 'export.tlt.dev/requested-at': 'now' };
  const { modelExport } = stalled;
  const metadata = { ...modelExport.metadata, annotations };
  const again = follow({ ...stalled, modelExport: { ...modelExport, metadata } });
  t.deepEqual(again.events, ['Normal BuildingEngines: 0 of 1 engines built']);
  t.deepEqual(follow(succeed(again.observed)).events, []);
});
