import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { type Action, decide } from '../../src/cluster/modelexport/decide.ts';
import type { Observed } from '../../src/cluster/modelexport/observed.ts';
import type { ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import { aClass, aJob, aModelExport, anEngineBuilt, anExported, anObserved } from '../builders/objects.ts';

/** Plays the cluster: performs a decision on the values that the next observation is made of. */
const performed = (observed: Observed, actions: readonly Action[]): Observed => {
  let world = observed;
  for (const action of actions) world = performedOne(world, action);
  return world;
};

const performedOne = (world: Observed, action: Action): Observed => {
  const jobs = world.jobs.filter(({ name }) => !('name' in action) || name !== action.name);
  switch (action.kind) {
    case 'CreateJob':
      return {
        ...world,
        jobs: [...jobs, aJob(action.job.metadata.name, { kind: 'Active', suspended: false })],
      };
    case 'DeleteJob':
      return { ...world, jobs };
    case 'WriteStatus':
      return { ...world, modelExport: { ...world.modelExport, status: action.status } as ModelExport };
    case 'ExpireJob':
      return {
        ...world,
        jobs: world.jobs.map((job) => (job.name === action.name ? { ...job, expires: true } : job)),
      };
    default:
      return world;
  }
};

/** Decides and performs until nothing is left to do; fails if that takes too long. */
const settled = (start: Observed): Observed => {
  let observed = start;
  for (let round = 0; round < 10; round++) {
    const { actions } = decide(observed);
    if (actions.length === 0) return observed;
    observed = performed(observed, actions);
  }
  throw new Error('does not settle');
};

const finish = (observed: Observed, state: (job: ObservedJob) => ObservedJob['state']): Observed => ({
  ...observed,
  jobs: observed.jobs.map((job) => (job.state.kind === 'Active' ? { ...job, state: state(job) } : job)),
});

const succeed = (observed: Observed): Observed =>
  finish(observed, ({ name }) => ({
    kind: 'Succeeded',
    result: name.startsWith('demo-export-') ? anExported() : anEngineBuilt(),
  }));

const kinds = (observed: Observed): readonly string[] => decide(observed).actions.map(({ kind }) => kind);
const statusOf = ({ modelExport }: Observed) => modelExport.status!;
const condition = (observed: Observed, type: string) =>
  statusOf(observed).conditions!.find((c) => c.type === type)!;
const reasons = (observed: Observed) =>
  statusOf(observed).engines!.map(
    ({ deviceClass, conditions }) => `${deviceClass} ${conditions![0]!.reason}`,
  );

const exported = (changes: Partial<Observed> = {}): Observed =>
  settled(succeed(settled(anObserved(changes))));

test('the first write is a status, before any Job exists', (t) => {
  const observed = anObserved();
  t.deepEqual(kinds(observed), ['WriteStatus']);
  const first = performed(observed, decide(observed).actions);
  t.is(condition(first, 'Reconciling').status, 'True');
  t.is(condition(first, 'Ready').status, 'Unknown');
  t.is(statusOf(first).observedGeneration, 1);
});

test('the export Job comes first, and no engine Job before it is done', (t) => {
  const observed = settled(anObserved());
  t.deepEqual(
    observed.jobs.map(({ name }) => name.split('-')[1]),
    ['export'],
  );
  t.deepEqual(reasons(observed), ['ampere WaitingForExport', 'cpu WaitingForExport']);
});

test('one engine Job for each class follows the export', (t) => {
  const observed = exported();
  t.deepEqual(observed.jobs.map(({ name }) => name.split('-')[1]).sort(), ['ampere', 'cpu', 'export']);
  t.is(condition(observed, 'Exported').status, 'True');
  t.is(condition(observed, 'Calibrated').status, 'True');
  t.is(condition(observed, 'Ready').status, 'False');
});

test('what a codec encrypted stands in status beside the .etlt that engines are built from', (t) => {
  const codecEtlt = {
    file: 'model.codec.etlt',
    sha256: 'f'.repeat(64),
    sizeBytes: 9,
  };
  const observed = finish(settled(anObserved()), () => ({
    kind: 'Succeeded',
    result: anExported({ codecEtlt }),
  }));
  const done = settled(observed);
  const { etlt, codecEtlt: stored } = statusOf(done).export!;
  t.deepEqual(stored, {
    uri: etlt!.uri.replace(/model\.etlt$/, 'model.codec.etlt'),
    sha256: codecEtlt.sha256,
    sizeBytes: 9,
  });
  t.deepEqual(settled({ ...done, jobs: [] }).modelExport.status!.export!.codecEtlt, stored);
});

test('all engines built is Ready, and a settled export decides nothing more', (t) => {
  const observed = settled(succeed(exported()));
  t.is(condition(observed, 'Ready').status, 'True');
  t.is(condition(observed, 'Reconciling').status, 'False');
  t.is(statusOf(observed).enginesReady, '2/2');
  t.deepEqual(kinds(observed), []);
});

test('a finished Job expires only after status holds its result', (t) => {
  const actions = decide(succeed(exported())).actions.map(({ kind }) => kind);
  t.true(actions.indexOf('WriteStatus') >= 0);
  t.true(actions.indexOf('ExpireJob') > actions.indexOf('WriteStatus'));
});

test('a Job that is gone after its result was stored is not made again', (t) => {
  const done = settled(succeed(exported()));
  t.deepEqual(kinds({ ...done, jobs: [] }), []);
});

test('a lost status is found again: the Jobs still know', (t) => {
  const done = settled(succeed(exported()));
  const forgotten = settled({ ...done, modelExport: aModelExport() });
  t.deepEqual(statusOf(forgotten).engines, statusOf(done).engines);
  t.deepEqual(statusOf(forgotten).export, statusOf(done).export);
});

test('a class without nodes waits, the others finish, and nothing is Stalled', (t) => {
  const classes = [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')];
  const observed = settled(succeed(exported({ classes })));
  t.deepEqual(reasons(observed), ['ampere NoMatchingNode', 'cpu Built']);
  t.is(condition(observed, 'Stalled').status, 'False');
  t.is(condition(observed, 'Reconciling').reason, 'NoMatchingNode');
});

test('a node that appears starts the engine that waited for it', (t) => {
  const waiting = settled(
    succeed(exported({ classes: [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')] })),
  );
  const observed = settled({ ...waiting, classes: [aClass('ampere'), aClass('cpu')] });
  t.deepEqual(reasons(observed), ['ampere Building', 'cpu Built']);
});

test('an engine stays built when its node goes', (t) => {
  const done = settled(succeed(exported()));
  t.deepEqual(kinds({ ...done, classes: [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')] }), []);
});

test('a wrong key stalls the export with the reason that the worker gave', (t) => {
  const observed = settled(
    finish(settled(anObserved()), () => ({
      kind: 'Failed',
      reason: 'WrongKey',
      message: 'the key does not open it',
    })),
  );
  t.is(condition(observed, 'Stalled').status, 'True');
  t.is(condition(observed, 'Stalled').reason, 'WrongKey');
  t.is(condition(observed, 'Reconciling').status, 'False');
  t.deepEqual(kinds(observed), [], 'a terminal failure is not retried');
});

test('a new retry token runs a failed export again, and nothing that was built', (t) => {
  const failed = settled(
    finish(settled(anObserved()), () => ({ kind: 'Failed', reason: 'WrongKey', message: 'no' })),
  );
  const modelExport = {
    ...failed.modelExport,
    metadata: { ...failed.modelExport.metadata, annotations: { 'export.tlt.dev/retry': '1' } },
  } as ModelExport;
  const again = settled({ ...failed, modelExport });
  t.is(again.jobs.length, 1);
  t.not(again.jobs[0]!.name, failed.jobs[0]!.name);
  const done = settled(succeed(settled(succeed(again))));
  t.is(condition(done, 'Ready').status, 'True');
});

test('with Continue one failed class lets the other finish before it is told', (t) => {
  const one = finish(exported(), ({ name, state }) =>
    name.startsWith('demo-ampere')
      ? { kind: 'Failed', reason: 'EngineBuildFailed', message: 'no kernel' }
      : state,
  );
  const running = settled(one);
  t.is(condition(running, 'Stalled').status, 'False');
  const done = settled(succeed(running));
  t.is(condition(done, 'Stalled').reason, 'EnginesFailed');
  t.deepEqual(reasons(done), ['ampere EngineBuildFailed', 'cpu Built']);
});

test('with FailFast one failed class stops the other', (t) => {
  const start = exported({ modelExport: aModelExport({ spec: { failurePolicy: 'FailFast' } }) });
  const failed = settled(
    finish(start, ({ name, state }) =>
      name.startsWith('demo-ampere')
        ? { kind: 'Failed', reason: 'EngineBuildFailed', message: 'no kernel' }
        : state,
    ),
  );
  t.is(condition(failed, 'Stalled').status, 'True');
  t.false(failed.jobs.some(({ name }) => name.startsWith('demo-cpu')));
});

test('a changed spec is exported anew while status names what there was', (t) => {
  const done = settled(succeed(exported()));
  const changed = aModelExport({
    spec: { model: { uri: 'pvc://models/other.tlt' } },
    metadata: { generation: 2 },
  });
  const observed = settled({ ...done, modelExport: { ...changed, status: statusOf(done) } as ModelExport });
  t.is(condition(observed, 'Ready').status, 'False');
  t.is(condition(observed, 'Reconciling').status, 'True');
  t.deepEqual(statusOf(observed).export!.etlt, statusOf(done).export!.etlt);
  t.true(statusOf(observed).engines!.every(({ uri }) => uri !== undefined));
  t.is(observed.jobs.filter(({ state }) => state.kind === 'Active').length, 1);
});

test('suspend makes no Job and suspends the one that runs', (t) => {
  const running = settled(anObserved());
  const modelExport = {
    ...aModelExport({ spec: { suspend: true } }),
    status: statusOf(running),
  } as ModelExport;
  t.true(decide({ ...running, modelExport }).actions.some((a) => a.kind === 'SuspendJob' && a.suspend));
  const fresh = settled(anObserved({ modelExport: aModelExport({ spec: { suspend: true } }) }));
  t.deepEqual(fresh.jobs, []);
  t.is(condition(fresh, 'Ready').reason, 'Suspended');
});

test('a missing Secret is what the export waits for, not a failure', (t) => {
  const blocked = {
    reason: 'KeySecretMissing',
    message: 'Secret k does not exist in this namespace: create it',
  } as const;
  const observed = settled(
    finish(settled(anObserved()), () => ({ kind: 'Active', suspended: false, blocked })),
  );
  t.is(condition(observed, 'Reconciling').reason, 'KeySecretMissing');
  t.is(condition(observed, 'Stalled').status, 'False');
});

test('a result that no pod tells is waited for, then learnt by another run', (t) => {
  const running = settled(anObserved());
  const unknown = finish(running, () => ({ kind: 'ResultUnknown', sinceMs: running.now }));
  t.is(decide(unknown).requeueAfterMs, 30_000);
  t.false(kinds(unknown).includes('DeleteJob'));
  t.true(kinds({ ...unknown, now: running.now + 30_000 }).includes('DeleteJob'));
});

test('a backend that this version does not build keeps its class waiting', (t) => {
  const classic = aClass('ampere');
  classic.deviceClass!.spec.engine = { backend: 'TensorRt' };
  const observed = settled(succeed(exported({ classes: [classic, aClass('cpu')] })));
  t.deepEqual(reasons(observed), ['ampere BackendNotAvailable', 'cpu Built']);
});

test('never are Reconciling and Stalled both True, and always are all six conditions there', (t) => {
  for (const observed of [settled(anObserved()), exported(), settled(succeed(exported()))]) {
    const types = statusOf(observed)
      .conditions!.map(({ type }) => type)
      .sort();
    t.deepEqual(types, ['Calibrated', 'EnginesReady', 'Exported', 'Ready', 'Reconciling', 'Stalled']);
    const both =
      condition(observed, 'Reconciling').status === 'True' &&
      condition(observed, 'Stalled').status === 'True';
    t.false(both);
  }
});
