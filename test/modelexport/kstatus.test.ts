/** The states of a ModelExport as GitOps tools see them: each row is one stored object and its status by kstatus. */
import test from 'ava';
import type { ConditionType } from '../../src/cluster/api/conditions.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { unseen } from '../../src/cluster/api/shared-schemas.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { JobState } from '../../src/cluster/ownedjobs/observed-job.ts';
import type { EngineBuilt, Exported } from '../../src/ground/contract/result.ts';
import { type Kstatus, kstatusOf } from '../builders/kstatus.ts';
import { aClass, active, aModelExport, anEngineBuilt, anExported, anObserved } from '../builders/objects.ts';
import { stored, withJobs } from '../builders/stored-exports.ts';

const seen = aModelExport({ status: { observedGeneration: 1 } });

const done = (result: Exported | EngineBuilt): JobState => ({ kind: 'Succeeded', result });
const failed: JobState = { kind: 'Failed', reason: 'EngineBuildFailed', message: 'the builder refused' };
const exported = done(anExported());
const built = done(anEngineBuilt());

type Row = {
  readonly kstatus: Kstatus;
  readonly conditions: Partial<Record<ConditionType, 'True' | 'False' | 'Unknown'>>;
};

const looks = test.macro({
  exec: (t, object: ModelExport, { kstatus, conditions }: Row) => {
    t.is(kstatusOf(object), kstatus);
    const found = Object.fromEntries(
      object.status?.conditions?.map(({ type, status }) => [type, status]) ?? [],
    );
    t.like(found, conditions);
    t.false(found.Reconciling === 'True' && found.Stalled === 'True');
  },
  title: (moment) => `kstatus: ${moment}`,
});

const firstWrite = decide(anObserved()).actions.flatMap((action) =>
  action.kind === 'WriteStatus' ? [action.status] : [],
)[0]!;

test('created and not yet reconciled, with the default of the CRD', (t) => {
  t.is(kstatusOf(aModelExport({ status: unseen })), 'InProgress');
  t.deepEqual(
    decide(anObserved({ modelExport: aModelExport({ status: unseen }) })),
    decide(anObserved({ modelExport: aModelExport() })),
  );
});
test('the first write', looks, aModelExport({ status: firstWrite }), {
  kstatus: 'InProgress',
  conditions: {
    Reconciling: 'True',
    Stalled: 'False',
    Ready: 'False',
    Exported: 'False',
    EnginesReady: 'False',
  },
});
test('the export runs', looks, stored(withJobs(anObserved({ modelExport: seen }), { export: active })), {
  kstatus: 'InProgress',
  conditions: { Reconciling: 'True', Stalled: 'False', Ready: 'False', Exported: 'False' },
});
test(
  'engines are being built',
  looks,
  stored(withJobs(anObserved({ modelExport: seen }), { export: exported, ampere: active, cpu: built })),
  {
    kstatus: 'InProgress',
    conditions: {
      Reconciling: 'True',
      Ready: 'False',
      Exported: 'True',
      Calibrated: 'True',
      EnginesReady: 'False',
    },
  },
);
test(
  'a class waits for hardware that no node provides',
  looks,
  stored(
    withJobs(
      anObserved({ modelExport: seen, classes: [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')] }),
      { export: exported, cpu: built },
    ),
  ),
  { kstatus: 'InProgress', conditions: { Reconciling: 'True', Stalled: 'False', Ready: 'False' } },
);

const everythingBuilt = withJobs(anObserved({ modelExport: seen }), {
  export: exported,
  ampere: built,
  cpu: built,
});

test('all engines are built', looks, stored(everythingBuilt), {
  kstatus: 'Current',
  conditions: { Reconciling: 'False', Stalled: 'False', Ready: 'True', EnginesReady: 'True' },
});
test(
  'one class failed permanently, the other is built',
  looks,
  stored(withJobs(anObserved({ modelExport: seen }), { export: exported, ampere: failed, cpu: built })),
  { kstatus: 'Failed', conditions: { Reconciling: 'False', Stalled: 'True', Ready: 'False' } },
);
test(
  'one class failed, the other still runs: no failure is reported yet',
  looks,
  stored(withJobs(anObserved({ modelExport: seen }), { export: exported, ampere: failed, cpu: active })),
  { kstatus: 'InProgress', conditions: { Reconciling: 'True', Stalled: 'False', Ready: 'False' } },
);
test(
  'the export failed',
  looks,
  stored(withJobs(anObserved({ modelExport: seen }), { export: { ...failed, reason: 'WrongKey' } })),
  { kstatus: 'Failed', conditions: { Stalled: 'True', Ready: 'False', Exported: 'False' } },
);

const readyObject = stored(everythingBuilt);
const changed: ModelExport = {
  ...readyObject,
  metadata: { ...readyObject.metadata, generation: 2 },
  spec: { ...readyObject.spec, maxBatchSize: 8 },
};
const rebuilding = stored({ ...everythingBuilt, modelExport: changed });

test('the spec changed and is not reconciled yet', looks, changed, {
  kstatus: 'InProgress',
  conditions: { Ready: 'True' },
});
test('the spec changed and engines are rebuilt', looks, rebuilding, {
  kstatus: 'InProgress',
  conditions: { Reconciling: 'True', Ready: 'False' },
});
test('while engines are rebuilt, status lists the previous ones', (t) => {
  t.deepEqual(
    rebuilding.status?.engines?.map(({ uri }) => uri),
    readyObject.status?.engines?.map(({ uri }) => uri),
  );
});
test(
  'the node of a built class is deleted',
  looks,
  stored({
    ...everythingBuilt,
    modelExport: readyObject,
    classes: [aClass('ampere', { matchingNodes: 0 }), aClass('cpu')],
  }),
  { kstatus: 'Current', conditions: { Ready: 'True' } },
);
test(
  'suspended before completion',
  looks,
  stored(
    withJobs(
      anObserved({
        modelExport: aModelExport({ spec: { suspend: true }, status: { observedGeneration: 1 } }),
      }),
      {},
    ),
  ),
  { kstatus: 'InProgress', conditions: { Reconciling: 'False', Stalled: 'False', Ready: 'False' } },
);
