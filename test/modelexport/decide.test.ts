import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import { aClass, aModelExport, anExported, anObserved } from '../builders/objects.ts';
import { finish, performActions, settle, succeed } from '../builders/perform-actions.ts';

const kinds = (observed: ObservedExport): readonly string[] =>
  decide(observed).actions.map(({ kind }) => kind);
const statusOf = ({ modelExport }: ObservedExport) => modelExport.status!;
const condition = (observed: ObservedExport, type: string) =>
  statusOf(observed).conditions!.find((c) => c.type === type)!;
const reasons = (observed: ObservedExport) =>
  statusOf(observed).engines!.map(
    ({ deviceClass, conditions }) => `${deviceClass} ${conditions![0]!.reason}`,
  );

const exported = (changes: Partial<ObservedExport> = {}): ObservedExport =>
  settle(succeed(settle(anObserved(changes))));

test('the first write is a status, and the Job follows', (t) => {
  const observed = anObserved();
  t.deepEqual(kinds(observed), ['WriteStatus', 'CreateJob']);
  const first = performActions(observed, decide(observed).actions);
  t.is(condition(first, 'Reconciling').reason, 'Exporting');
  t.is(condition(first, 'Ready').status, 'False');
  t.is(statusOf(first).observedGeneration, 1);
});

test('no engine Job is created before the export Job is complete', (t) => {
  const observed = settle(anObserved());
  t.deepEqual(
    observed.jobs.map(({ name }) => name.split('-')[1]),
    ['export'],
  );
  t.deepEqual(reasons(observed), ['ampere WaitingForExport', 'cpu WaitingForExport']);
});

test('one engine Job per class follows the export', (t) => {
  const observed = exported();
  t.deepEqual(observed.jobs.map(({ name }) => name.split('-')[1]).sort(), ['ampere', 'cpu', 'export']);
  t.is(condition(observed, 'Exported').status, 'True');
  t.is(condition(observed, 'Calibrated').status, 'True');
  t.is(condition(observed, 'Ready').status, 'False');
});

test('status lists the codec-encrypted model in addition to the .etlt that engines are built from', (t) => {
  const codecEtlt = {
    file: 'model.codec.etlt',
    sha256: 'f'.repeat(64),
    sizeBytes: 9,
  };
  const observed = finish(settle(anObserved()), () => ({
    kind: 'Succeeded',
    result: anExported({ codecEtlt }),
  }));
  const done = settle(observed);
  const { etlt, codecEtlt: stored } = statusOf(done).export!;
  t.deepEqual(stored, {
    uri: etlt!.uri.replace(/model\.etlt$/, 'model.codec.etlt'),
    sha256: codecEtlt.sha256,
    sizeBytes: 9,
  });
  t.deepEqual(settle({ ...done, jobs: [] }).modelExport.status!.export!.codecEtlt, stored);
});

test('an export with all engines is Ready, and needs no more actions', (t) => {
  const observed = settle(succeed(exported()));
  t.is(condition(observed, 'Ready').status, 'True');
  t.is(condition(observed, 'Reconciling').status, 'False');
  t.is(statusOf(observed).enginesReady, '2/2');
  t.deepEqual(kinds(observed), []);
});

test('a result is written to status before anything that depends on it is created', (t) => {
  const actions = decide(succeed(settle(anObserved()))).actions.map(({ kind }) => kind);
  t.is(actions[0], 'WriteStatus');
  t.is(actions.filter((kind) => kind === 'CreateJob').length, 2);
});

test('a Job that is deleted after its result is in status is not created again', (t) => {
  const done = settle(succeed(exported()));
  t.deepEqual(kinds({ ...done, jobs: [] }), []);
});

test('a lost status is rebuilt from the Jobs', (t) => {
  const done = settle(succeed(exported()));
  const forgotten = settle({ ...done, modelExport: aModelExport() });
  t.deepEqual(statusOf(forgotten).engines, statusOf(done).engines);
  t.deepEqual(statusOf(forgotten).export, statusOf(done).export);
});

test('a class without nodes waits, the others finish, and nothing is Stalled', (t) => {
  const classes = [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')];
  const observed = settle(succeed(exported({ classes })));
  t.deepEqual(reasons(observed), ['ampere NoMatchingNode', 'cpu Built']);
  t.is(condition(observed, 'Stalled').status, 'False');
  t.is(condition(observed, 'Reconciling').reason, 'NoMatchingNode');
});

test('a new node starts the engine that waited for it', (t) => {
  const waiting = settle(
    succeed(exported({ classes: [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')] })),
  );
  const observed = settle({ ...waiting, classes: [aClass('ampere'), aClass('cpu')] });
  t.deepEqual(reasons(observed), ['ampere Building', 'cpu Built']);
});

test('an engine stays built when its node is deleted', (t) => {
  const done = settle(succeed(exported()));
  t.deepEqual(kinds({ ...done, classes: [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')] }), []);
});

test('a wrong key stalls the export with the reason from the worker', (t) => {
  const observed = settle(
    finish(settle(anObserved()), () => ({
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

test('with Continue, a failed class is reported after the other one has finished', (t) => {
  const one = finish(exported(), ({ name, state }) =>
    name.startsWith('demo-ampere')
      ? { kind: 'Failed', reason: 'EngineBuildFailed', message: 'no kernel' }
      : state,
  );
  const running = settle(one);
  t.is(condition(running, 'Stalled').status, 'False');
  const done = settle(succeed(running));
  t.is(condition(done, 'Stalled').reason, 'EnginesFailed');
  t.deepEqual(reasons(done), ['ampere EngineBuildFailed', 'cpu Built']);
});

const failsFor =
  (deviceClass: string) =>
  (observed: ObservedExport): ObservedExport =>
    finish(observed, (job) =>
      job.deviceClass === deviceClass
        ? { kind: 'Failed', reason: 'EngineBuildFailed', message: 'no kernel' }
        : job.state,
    );

const withRequest = ({ modelExport, ...observed }: ObservedExport, token: string): ObservedExport => {
  const metadata = { ...modelExport.metadata, annotations: { 'export.tlt.dev/requested-at': token } };
  return { ...observed, modelExport: { ...modelExport, metadata } };
};
const activeIn = ({ jobs }: ObservedExport): readonly string[] =>
  jobs.flatMap(({ name, state }) => (state.kind === 'Active' ? [name.replace(/-[0-9a-f]{10}$/, '')] : []));

test('a request retries failures only; other builds and stored artifacts are not touched', (t) => {
  const start = settle(failsFor('ampere')(exported()));
  const again = settle(withRequest(start, '2026-01-01T10:00:00Z'));
  t.deepEqual(activeIn(again), ['demo-cpu', 'demo-ampere']);
  t.is(statusOf(again).lastHandledRequest, '2026-01-01T10:00:00Z');
  t.is(statusOf(again).enginesReady, '0/2');
  const cpu = (observed: ObservedExport) =>
    observed.jobs.find(({ deviceClass }) => deviceClass === 'cpu')!.uid;
  t.is(cpu(again), cpu(start));
});

test('a request can name one class and is handled once; removing it requests nothing', (t) => {
  const failed = settle(failsFor('cpu')(settle(failsFor('ampere')(exported()))));
  t.is(condition(failed, 'Stalled').status, 'True');
  const one = settle(withRequest(failed, 'cpu=1'));
  t.deepEqual(activeIn(one), ['demo-cpu']);
  t.deepEqual(reasons(one), ['ampere EngineBuildFailed', 'cpu Building']);
  const failedAgain = settle(failsFor('cpu')(one));
  t.deepEqual(activeIn(failedAgain), [], 'the same token counts once');
  t.deepEqual(
    kinds({
      ...failedAgain,
      modelExport: { ...failedAgain.modelExport, metadata: failed.modelExport.metadata },
    }),
    [],
  );
  t.deepEqual(activeIn(settle(withRequest(failedAgain, '2'))), ['demo-ampere', 'demo-cpu']);
});

test('a long request does not make status too large', (t) => {
  const failed = settle(failsFor('ampere')(exported()));
  const again = settle(withRequest(failed, 'x'.repeat(100_000)));
  t.true(statusOf(again).lastHandledRequest!.length <= 128);
  t.true(activeIn(again).includes('demo-ampere'));
  t.deepEqual(kinds(again), []);
});

test('a request about a Ready export changes only lastHandledRequest', (t) => {
  const ready = settle(succeed(exported()));
  t.deepEqual(kinds(withRequest({ ...ready, jobs: [] }, '1')), ['WriteStatus']);
});

const failFast = { modelExport: aModelExport({ spec: { failurePolicy: 'FailFast' } }) };
const turing = aClass('ampere');
turing.deviceClass!.spec.engine = { backend: 'TensorRtRtx', computeCapability: '9.9' };
const refusing = { classes: [turing, aClass('cpu')] };

test('with FailFast, a class that cannot be built stalls the object before anything starts', (t) => {
  const refused = settle(anObserved({ ...failFast, ...refusing }));
  t.deepEqual(refused.jobs, []);
  t.is(condition(refused, 'Stalled').reason, 'EnginesFailed');
  t.deepEqual(reasons(refused), ['ampere EngineUnsupported', 'cpu Stopped']);
});

test('with FailFast, editing a class so that it cannot be built does not stop a running export', (t) => {
  const edited = settle({ ...settle(anObserved(failFast)), ...refusing });
  t.deepEqual(activeIn(edited), ['demo-export']);
  t.is(condition(edited, 'Reconciling').reason, 'Exporting');
  const done = settle(succeed(edited));
  t.deepEqual(activeIn(done), []);
  t.is(condition(done, 'Stalled').status, 'True');
});

test('with Continue, the export and the other classes do not wait for a class that cannot be built', (t) => {
  const done = settle(succeed(settle(succeed(settle(anObserved(refusing))))));
  t.deepEqual(reasons(done), ['ampere EngineUnsupported', 'cpu Built']);
  t.is(condition(done, 'Stalled').reason, 'EnginesFailed');
});

test('nothing is Stalled while another class can still start', (t) => {
  const classes = [aClass('ampere'), aClass('cpu', { matchingNodes: 0 })];
  const waiting = settle(failsFor('ampere')(exported({ classes })));
  t.is(condition(waiting, 'Stalled').status, 'False');
  t.is(condition(waiting, 'Reconciling').reason, 'NoMatchingNode');
});

test('with FailFast, one failed class stops the other', (t) => {
  const start = exported({ modelExport: aModelExport({ spec: { failurePolicy: 'FailFast' } }) });
  const failed = settle(
    finish(start, ({ name, state }) =>
      name.startsWith('demo-ampere')
        ? { kind: 'Failed', reason: 'EngineBuildFailed', message: 'no kernel' }
        : state,
    ),
  );
  t.is(condition(failed, 'Stalled').status, 'True');
  t.false(failed.jobs.some(({ name }) => name.startsWith('demo-cpu')));
});

test('a changed spec is exported again while status lists the previous artifacts', (t) => {
  const done = settle(succeed(exported()));
  const changed = aModelExport({
    spec: { model: { uri: 'pvc://models/other.tlt' } },
    metadata: { generation: 2 },
  });
  const observed = settle({ ...done, modelExport: { ...changed, status: statusOf(done) } as ModelExport });
  t.is(condition(observed, 'Ready').status, 'False');
  t.is(condition(observed, 'Reconciling').status, 'True');
  t.deepEqual(statusOf(observed).export!.etlt, statusOf(done).export!.etlt);
  t.true(statusOf(observed).engines!.every(({ uri }) => uri !== undefined));
  t.is(observed.jobs.filter(({ state }) => state.kind === 'Active').length, 1);
});

const withModel = (observed: ObservedExport, uri: string): ObservedExport => {
  const changed = aModelExport({ spec: { model: { uri } }, metadata: { generation: 2 } });
  return { ...observed, modelExport: { ...changed, status: statusOf(observed) } as ModelExport };
};

test('while a changed spec is exported again, status lists the model of the codec as well', (t) => {
  const codecEtlt = { file: 'model.codec.etlt', sha256: 'f'.repeat(64), sizeBytes: 9 };
  const result = anExported({ codecEtlt });
  const done = settle(finish(settle(anObserved()), () => ({ kind: 'Succeeded', result })));
  const stored = statusOf(done).export!.codecEtlt;
  t.is(stored?.sha256, codecEtlt.sha256);
  t.deepEqual(statusOf(settle(withModel(done, 'pvc://models/other.tlt'))).export!.codecEtlt, stored);
});

test('the Job of an older spec is deleted while it runs', (t) => {
  const running = settle(anObserved());
  const { actions } = decide(withModel(running, 'pvc://models/other.tlt'));
  const deleted = actions.flatMap((action) => (action.kind === 'DeleteJob' ? [action.uid] : []));
  t.deepEqual(
    deleted,
    running.jobs.map(({ uid }) => uid),
  );
});

test('an export that is not calibrated has no condition about calibration', (t) => {
  const { calibration: _, ...spec } = aModelExport().spec;
  const modelExport = { ...aModelExport(), spec: { ...spec, dataType: 'fp32' } } as ModelExport;
  const done = exported({ modelExport });
  t.is(condition(done, 'Exported').status, 'True');
  const types = statusOf(done).conditions!.map(({ type }) => type);
  t.false(types.includes('Calibrated'));
});

const suspending = ({ modelExport, ...observed }: ObservedExport, suspend: boolean): ObservedExport => ({
  ...observed,
  modelExport: { ...modelExport, spec: { ...modelExport.spec, suspend } },
});

test('suspend creates no Job, suspends running Jobs, and is reported once all are suspended', (t) => {
  const asked = suspending(settle(anObserved()), true);
  const first = performActions(
    asked,
    decide(asked).actions.filter(({ kind }) => kind === 'WriteStatus'),
  );
  t.is(condition(first, 'Reconciling').reason, 'Suspending');
  const done = settle(asked);
  t.is(condition(done, 'Ready').reason, 'Suspended');
  t.like(done.jobs, [{ state: { suspended: true }, suspendedByUs: true }]);
  const resumed = settle(suspending(done, false));
  t.like(resumed.jobs, [{ state: { suspended: false }, suspendedByUs: false }]);
  t.deepEqual(settle(suspending(anObserved(), true)).jobs, []);
});

test('a Job that a queue or a user suspended is Queued, and never resumed by the operator', (t) => {
  const running = settle(anObserved());
  const queued = {
    ...running,
    jobs: running.jobs.map((job) => ({ ...job, state: { kind: 'Active', suspended: true } as const })),
  };
  const seen = settle(queued);
  t.is(condition(seen, 'Reconciling').reason, 'Queued');
  t.deepEqual(kinds(seen), []);
  t.deepEqual(seen.jobs, queued.jobs);
});

test('suspend deletes a queued Job, and resuming creates it again', (t) => {
  const running = settle(anObserved());
  const queued = { ...running, jobs: running.jobs.map((job) => ({ ...job, isQueued: true })) };
  const suspended = settle(suspending(queued, true));
  t.deepEqual(suspended.jobs, []);
  t.is(condition(suspended, 'Ready').reason, 'Suspended');
  t.deepEqual(activeIn(settle(suspending(suspended, false))), ['demo-export']);
});

test('an object of another controller is ignored', (t) => {
  t.deepEqual(
    kinds(anObserved({ modelExport: aModelExport({ spec: { managedBy: 'example.com/other' } }) })),
    [],
  );
});

test('deleting or replacing a class keeps its engine Built, and its build running', (t) => {
  const gone = [aClass('ampere', { deviceClass: undefined, matchingNodes: 0 }), aClass('cpu')];
  const ready = settle(succeed(exported()));
  t.deepEqual(kinds({ ...ready, jobs: [], classes: gone }), []);
  const building = settle({ ...exported(), classes: gone });
  t.deepEqual(activeIn(building), ['demo-ampere', 'demo-cpu']);
  t.deepEqual(reasons(building), ['ampere DeviceClassMissing', 'cpu Building']);
  t.deepEqual(activeIn(settle({ ...building, classes: ready.classes })), ['demo-ampere', 'demo-cpu']);
});

test('a repeated export of the same model rebuilds no engine', (t) => {
  const ready = settle(succeed(exported()));
  const model = { ...ready.modelExport.spec.model, sha256: 'a'.repeat(64) };
  const pinned = { ...ready.modelExport, spec: { ...ready.modelExport.spec, model } };
  const again = settle({ ...ready, jobs: [], modelExport: pinned });
  t.deepEqual(activeIn(again), ['demo-export']);
  const encrypted = anExported();
  const result = { ...encrypted, etlt: { ...encrypted.etlt, sha256: 'f'.repeat(64) } };
  const done = settle(finish(again, () => ({ kind: 'Succeeded', result })));
  t.is(condition(done, 'Ready').status, 'True');
  t.deepEqual(activeIn(done), []);
  t.is(statusOf(done).export!.etlt!.sha256, 'f'.repeat(64));
  t.deepEqual(
    statusOf(done).engines!.map(({ uri }) => uri),
    statusOf(ready).engines!.map(({ uri }) => uri),
  );
});

test('a request to verify repeats the Jobs of the artifacts, which stay Ready', (t) => {
  const ready = settle(succeed(exported()));
  const asking = (token: string): ObservedExport => {
    const annotations = { 'export.tlt.dev/verify-requested-at': token };
    const metadata = { ...ready.modelExport.metadata, annotations };
    return { ...ready, jobs: [], modelExport: { ...ready.modelExport, metadata } };
  };
  t.deepEqual(activeIn(settle(asking('cpu=1'))), ['demo-cpu']);
  const checking = settle(asking('1'));
  t.deepEqual(activeIn(checking), ['demo-export', 'demo-ampere', 'demo-cpu']);
  t.is(condition(checking, 'Ready').status, 'True');
  const done = settle(succeed(checking));
  t.is(condition(done, 'Ready').status, 'True');
  t.is(statusOf(done).export!.verifiedRequest, '1');
  t.deepEqual(
    statusOf(done).engines!.map(({ verifiedRequest }) => verifiedRequest),
    ['1', '1'],
  );
  t.deepEqual(kinds({ ...done, jobs: [] }), []);
});

test('another output folder is another export: artifacts in status are in the folder of the spec', (t) => {
  const ready = settle(succeed(exported()));
  const spec = { ...ready.modelExport.spec, output: { uri: 'pvc://exports/elsewhere' } };
  const moved = settle({ ...ready, jobs: [], modelExport: { ...ready.modelExport, spec } });
  t.is(condition(moved, 'Ready').status, 'False');
  const done = settle(succeed(settle(succeed(moved))));
  t.true(statusOf(done).export!.etlt!.uri.startsWith('pvc://exports/elsewhere/'));
  t.true(statusOf(done).engines!.every(({ uri }) => uri!.startsWith('pvc://exports/elsewhere/')));
});

test('an export waits for a missing Secret and does not fail', (t) => {
  const blocked = {
    reason: 'KeySecretMissing',
    message: 'Secret k does not exist in this namespace: create it',
  } as const;
  const observed = settle(
    finish(settle(anObserved()), () => ({ kind: 'Active', suspended: false, blocked })),
  );
  t.is(condition(observed, 'Reconciling').reason, 'KeySecretMissing');
  t.is(condition(observed, 'Stalled').status, 'False');
});

test('an unreported result is awaited, then read by another Job', (t) => {
  const running = settle(anObserved());
  const otherwise = { kind: 'Failed', reason: 'ResultLost', message: 'its pod was gone' } as const;
  const unknown = finish(running, () => ({ kind: 'ResultUnknown', sinceMs: running.now, otherwise }));
  t.is(decide(unknown).requeueAfterMs, 30_000);
  t.deepEqual(kinds(unknown), []);
  const lost = settle({ ...unknown, now: running.now + 30_000 });
  t.is(condition(lost, 'Reconciling').reason, 'ResultLost');
  t.is(condition(lost, 'Stalled').status, 'False');
  const again = settle({ ...lost, now: running.now + 90_000 });
  t.is(again.jobs.length, 2);
});

test('an unsupported TensorRT version is refused, and the other classes are built', (t) => {
  const classic = aClass('ampere');
  classic.deviceClass!.spec.engine = { backend: 'TensorRt', version: '7.2' };
  const observed = settle(succeed(exported({ classes: [classic, aClass('cpu')] })));
  t.deepEqual(reasons(observed), ['ampere EngineUnsupported', 'cpu Built']);
});

test('Reconciling and Stalled are never both True, and all six conditions are always set', (t) => {
  for (const observed of [settle(anObserved()), exported(), settle(succeed(exported()))]) {
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

test('an export without problems costs three status writes, one Job per artifact, and nothing else', (t) => {
  const counts: Record<string, number> = {};
  let observed = anObserved();
  for (let stage = 0; stage < 3; stage++) {
    for (let { actions } = decide(observed); actions.length > 0; { actions } = decide(observed)) {
      for (const { kind } of actions) counts[kind] = (counts[kind] ?? 0) + 1;
      observed = performActions(observed, actions);
    }
    observed = succeed(observed);
  }
  t.is(condition(observed, 'Ready').status, 'True');
  t.deepEqual(counts, { WriteStatus: 3, CreateJob: 3 });
});
