/** Applies every remedy of the table of reasons, and checks that the object continues. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { type Reason, reasonGroups, reasons } from '../../src/cluster/api/reasons.ts';
import { decide as decideClass } from '../../src/cluster/deviceclass/decide.ts';
import type { ObservedClass, ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type {
  BlockedReason,
  JobFailureReason,
  JobState,
  ObservedJob,
} from '../../src/cluster/ownedjobs/observed-job.ts';
import type { Obstacles } from '../../src/cluster/ownedjobs/start.ts';
import { aNode } from '../builders/nodes.ts';
import {
  aClass,
  active,
  aDeviceClass,
  aModelExport,
  anObserved,
  aSpec,
  aTensorfile,
  noObstacles,
} from '../builders/objects.ts';
import { finish, settle, succeed } from '../builders/perform-actions.ts';

type Spec = ModelExport['spec'];
type Remedy = (observed: ObservedExport) => ObservedExport;

const editing =
  (edit: (spec: Spec) => Partial<Spec>): Remedy =>
  ({ modelExport, ...observed }) => ({
    ...observed,
    modelExport: { ...modelExport, spec: { ...modelExport.spec, ...edit(modelExport.spec) } },
  });

const editingClass =
  (edit: (spec: NonNullable<ObservedClass['deviceClass']>['spec']) => object): Remedy =>
  ({ classes, ...observed }) => ({
    ...observed,
    classes: classes.map(({ deviceClass, ...rest }) => ({
      ...rest,
      deviceClass: deviceClass && {
        ...deviceClass,
        spec: { ...deviceClass.spec, ...edit(deviceClass.spec) },
      },
    })),
  });

const request: Remedy = ({ modelExport, ...observed }) => {
  const metadata = { ...modelExport.metadata, annotations: { 'export.tlt.dev/requested-at': 'now' } };
  return { ...observed, modelExport: { ...modelExport, metadata } };
};
const anHourLater: Remedy = (observed) => ({ ...observed, now: observed.now + 3_600_000 });
const upgrade: Remedy = (observed) => ({ ...observed, images: { worker: 'worker:next', rtx: 'rtx:next' } });

const calibration = (changes: Partial<NonNullable<Spec['calibration']>>) =>
  editing((spec) => ({ calibration: { ...spec.calibration!, ...changes } }));
const memory = { limits: { memory: '8Gi' } };
const digest = 'f'.repeat(64);

const s3 = { endpoint: 'https://s3.example', region: 'us-east-1', scratchSize: '1Gi' };

/** The change that the remedy describes: in the object, in its classes or in the operator. */
const changes: Partial<Record<Reason, readonly Remedy[]>> = {
  Usage: [upgrade],
  ResultInvalid: [upgrade],
  InputNotFound: [editing(() => ({ model: { uri: 'pvc://models/there.tlt' } }))],
  ModelForeign: [
    editing(() => ({ codec: { image: `codec@sha256:${digest}`, command: ['codec'] } })),
    editing(() => ({ model: { uri: 'pvc://models/plain.onnx' } })),
  ],
  ModelUnsupported: [editing(() => ({ architecture: 'detectnet_v2' }))],
  DigestMismatch: [editing(({ model }) => ({ model: { ...model, sha256: digest } }))],
  LayerNotFound: [calibration({ keepFloat: ['conv1'] })],
  CodecFailed: [editing(() => ({ codec: { image: `codec@sha256:${digest}`, command: ['other'] } }))],
  TooFewImages: [calibration({ batches: 2 }), calibration({ batchSize: 2 })],
  CalibrationSourceMissing: [calibration({ source: 'Model' })],
  AgreementTooLow: [
    calibration({ keepFloat: ['conv1'] }),
    calibration({ batches: 20 }),
    calibration({ algorithm: 'Mse' }),
    calibration({ minAgreement: 1 }),
    editing(() => ({ dataType: 'fp16' })),
  ],
  CacheIncomplete: [
    calibration({ keepFloat: ['conv1'] }),
    editing(() => ({ model: { uri: 'pvc://models/other.onnx' } })),
  ],
  Int8ShareTooLow: [editing(() => ({ dataType: 'fp16' })), calibration({ requireInt8: true })],
  OutputExists: [editing(() => ({ output: { uri: 'pvc://exports/other' } }))],
  OutputUnwritable: [
    editing(() => ({ jobs: { podSecurity: { runAsUser: 1000700001, fsGroup: 1000700000 } } })),
    editing(() => ({ jobs: { podSecurity: { idsFrom: 'Platform' } } })),
  ],
  EngineBuildFailed: [editing(() => ({ maxWorkspaceSize: '512Mi' })), editing(() => ({ dataType: 'fp16' }))],
  EngineUnsupported: [
    editing(() => ({ dataType: 'fp16' })),
    editingClass(({ engine }) => ({ engine: { ...engine, computeCapability: '8.9' } })),
  ],
  HardwareMismatch: [
    editingClass(() => ({ hardware: { computeCapability: '8.6' } })),
    editingClass(({ engine }) => ({ engine: { ...engine, version: '1.7' } })),
  ],
  EngineVerificationFailed: [editing(() => ({ dataType: 'fp16' }))],
  DeadlineExceeded: [
    editing(() => ({ jobs: { export: { deadlineSeconds: 90000 }, engine: { deadlineSeconds: 90000 } } })),
  ],
  ScratchTooSmall: [editing(() => ({ s3: { ...s3, scratchSize: '20Gi' } }))],
  OutOfMemory: [editing(() => ({ jobs: { export: { resources: memory }, engine: { resources: memory } } }))],
  ImagePullFailed: [editing(() => ({ jobs: { imagePullSecrets: [{ name: 'registry' }] } })), upgrade],
  Unschedulable: [editingClass(() => ({ tolerations: [{ operator: 'Exists' }] }))],
};

const engineReasons: readonly Reason[] = [
  'EngineBuildFailed',
  'EngineUnsupported',
  'HardwareMismatch',
  'EngineVerificationFailed',
  'Unschedulable',
];

/** The object whose export, or whose first engine, is in that state. */
const inState = (reason: Reason, state: JobState): ObservedExport => {
  const stored = reason === 'ScratchTooSmall' ? { model: { uri: 's3://models/m.tlt' }, s3 } : {};
  const modelExport = aModelExport({ spec: { ...aSpec(), deviceClasses: [{ name: 'ampere' }], ...stored } });
  const started = settle(anObserved({ modelExport, classes: [aClass('ampere')] }));
  const at = engineReasons.includes(reason) ? settle(succeed(started)) : started;
  return settle(finish(at, () => state));
};

/** A Job that no earlier reconcile has observed. */
const startsAgain = (before: ObservedExport, remedy: Remedy): boolean => {
  const known = new Set(before.jobs.map(({ uid }) => uid));
  return settle(remedy(before)).jobs.some(({ uid, state }) => !known.has(uid) && state.kind === 'Active');
};

const failures = { ...reasonGroups.failed, ...reasonGroups.failing };
/** Reasons that summarize the reasons of several engines. */
const summaries: readonly string[] = ['EnginesFailed', 'Stopped'];

for (const reason of Object.keys(failures).filter((name) => !summaries.includes(name)) as JobFailureReason[])
  test(`${reason}: ${reasons[reason].remedy}`, (t) => {
    const remedy = reasons[reason].remedy!;
    const before = inState(reason, { kind: 'Failed', reason, message: 'as said' });
    const [passes, asks] = [/operator retries/, /requested-at/].map((words) => words.test(remedy));
    t.true(passes || asks || changes[reason] !== undefined, 'the remedy says how the object continues');
    const stalled = before.modelExport.status!.conditions!.find(({ type }) => type === 'Stalled')!;
    t.is(stalled.status, passes ? 'False' : 'True');
    if (passes) t.true(startsAgain(before, anHourLater), 'an hour later');
    if (asks || passes) t.true(startsAgain(before, request), 'on request');
    for (const [index, change] of (changes[reason] ?? []).entries())
      t.true(startsAgain(before, change), `change ${index + 1}`);
    t.false(
      passes ? false : startsAgain({ ...before, jobs: [] }, (same) => same),
      'and not without the remedy',
    );
  });

const blockedReasons: readonly BlockedReason[] = [
  'KeySecretMissing',
  'SpecMissing',
  'ClaimMissing',
  'ImagePullFailed',
  'Unschedulable',
  'VolumeUnreachable',
  'VolumeInUse',
  'NodeLost',
  'PodRefused',
  'PodWaiting',
];

for (const reason of blockedReasons)
  test(`${reason}: ${reasons[reason].remedy}`, (t) => {
    const before = inState(reason, { ...active, blocked: { reason, message: 'as said' } } as JobState);
    const reconciling = ({ modelExport }: ObservedExport) =>
      modelExport.status!.conditions!.find(({ type }) => type === 'Reconciling')!;
    t.like(reconciling(before), { status: 'True', reason });
    const free = settle(finish(before, () => active));
    t.not(reconciling(free).reason, reason, 'the pod starts by itself');
    for (const change of changes[reason] ?? []) t.true(startsAgain(before, change));
  });

const withObstacles = (changes: Partial<Obstacles>): ObservedExport =>
  settle(anObserved({ obstacles: { ...noObstacles, ...changes } }));
const withoutObstacles: Remedy = (observed) => ({ ...observed, obstacles: noObstacles });
const refusing = (canPass: boolean) =>
  withObstacles({ findRefusal: () => ({ message: 'as said', canPass, isDue: false }) });
const referring = editing(({ calibration: { imageDirectory: _, ...rest } = {} }) => ({
  calibration: {
    ...aSpec().calibration!,
    ...rest,
    source: 'Tensorfile',
    tensorfile: { calibrationTensorfileRef: { name: 'kitti' } },
  },
}));
const conditionNow = (type: string, status: 'True' | 'False') =>
  ({ type, status, reason: 'X', message: 'as said', lastTransitionTime: '2026-01-01T00:00:00Z' }) as const;
const tensorfileIn = (type: string) => {
  const file = { uri: 'pvc://exports/kitti/calibration.tensor', sha256: digest, sizeBytes: 1 };
  const conditions = [conditionNow(type, 'True')];
  return aTensorfile({
    status: { observedGeneration: 1, conditions, tensorfile: { ...file, batches: 1, images: 1 } },
  });
};
const withTensorfile =
  (tensorfile: ObservedExport['tensorfile']): Remedy =>
  (observed) => ({
    ...observed,
    tensorfile,
  });
const failFast = editing(() => ({ failurePolicy: 'FailFast' as const }));
const withEngines = (state: (job: ObservedJob) => JobState): ObservedExport =>
  settle(finish(settle(succeed(settle(failFast(anObserved())))), state));
const oneEngineFails = withEngines(({ deviceClass }) =>
  deviceClass === 'cpu' ? active : { kind: 'Failed', reason: 'EngineBuildFailed', message: 'as said' },
);

const otherAccount = editing(() => ({ jobs: { serviceAccountName: 'another' } }));

/** Waits that end by a change elsewhere: the object that waits, and what the remedy changes. */
const waits: Partial<Record<Reason, readonly (readonly [ObservedExport, Remedy])[]>> = {
  Suspended: [
    [settle(editing(() => ({ suspend: true }))(anObserved())), editing(() => ({ suspend: false }))],
  ],
  JobRefused: [
    [refusing(true), withoutObstacles],
    [refusing(false), (observed) => otherAccount(withoutObstacles(observed))],
    [refusing(false), (observed) => request(withoutObstacles(observed))],
  ],
  ClaimReadOnly: [
    [
      withObstacles({
        findClaim: (name) => (name === 'exports' ? { accessModes: ['ReadOnlyMany'] } : undefined),
      }),
      editing(() => ({ output: { uri: 'pvc://writable/demo' } })),
    ],
  ],
  WaitingForTwin: [[withObstacles({ findTwin: () => 'other' }), withoutObstacles]],
  TensorfileMissing: [[settle(referring(anObserved())), withTensorfile(tensorfileIn('Ready'))]],
  WaitingForTensorfile: [
    [
      settle(withTensorfile(tensorfileIn('Stalled'))(referring(anObserved()))),
      withTensorfile(tensorfileIn('Ready')),
    ],
  ],
  EnginesFailed: [[oneEngineFails, request]],
  Stopped: [[oneEngineFails, editing(() => ({ failurePolicy: 'Continue' }))]],
};

for (const [reason, cases] of Object.entries(waits))
  test(`${reason}: ${reasons[reason as Reason].remedy}`, (t) => {
    for (const [before, remedy] of cases) {
      const { conditions = [], engines = [] } = before.modelExport.status!;
      const shown = [...conditions, ...engines.flatMap((engine) => engine.conditions ?? [])];
      t.true(shown.some((each) => each.reason === reason));
      t.false(
        startsAgain(before, (same) => same),
        'not without the remedy',
      );
      t.true(startsAgain(before, remedy));
    }
  });

test('a Job that a queue holds runs once the queue resumes it', (t) => {
  const held = inState('Queued', { kind: 'Active', suspended: true });
  const reasonOf = ({ modelExport }: ObservedExport) =>
    modelExport.status!.conditions!.find(({ type }) => type === 'Reconciling')!.reason;
  t.is(reasonOf(held), 'Queued');
  t.is(reasonOf(settle(finish(held, () => active))), 'Exporting');
});

test('a class whose nodes differ is unambiguous once it is narrowed', (t) => {
  const nodes = ['A10', 'T4'].map((product) =>
    aNode(product, { labels: { 'nvidia.com/gpu.product': product } }),
  );
  const ambiguous = (products: readonly string[] | undefined) => {
    const hardware = products && { hardware: { products: [...products] } };
    const deviceClass = aDeviceClass('gpu', { ...hardware });
    const status = decideClass({ deviceClass, nodes, now: 0 })!;
    return status.conditions!.find(({ type }) => type === 'Ambiguous')!.reason;
  };
  t.is(ambiguous(undefined), 'NodesDiffer');
  t.is(ambiguous(['A10']), 'NodesAlike');
});

/** Tested above by name, and not by a row of a table. */
const byName: readonly string[] = [
  'Queued',
  'NodesDiffer',
  'DeviceClassMissing',
  'BackendNotAvailable',
  'NoMatchingNode',
];

test('every remedy is applied by a test here', (t) => {
  const applied = [...Object.keys(failures), ...blockedReasons, ...Object.keys(waits), ...byName];
  const promised = Object.entries(reasons).flatMap(([reason, { remedy }]) => (remedy ? [reason] : []));
  t.deepEqual(
    promised.filter((reason) => !applied.includes(reason)),
    [],
  );
});

test('an export continues once a class is created, gets a node or changes its backend', (t) => {
  const exported = (first: Partial<ObservedClass>) => {
    const classes = [aClass('ampere', first)];
    const modelExport = aModelExport({ spec: { deviceClasses: [{ name: 'ampere' }] } });
    return settle(succeed(settle(anObserved({ modelExport, classes }))));
  };
  const classic = aClass('ampere').deviceClass!;
  const deviceClass = { ...classic, spec: { ...classic.spec, engine: { backend: 'TensorRt' } as const } };
  const withClasses: Remedy = (observed) => ({ ...observed, classes: [aClass('ampere')] });
  const waiting = [{ deviceClass: undefined }, { matchingNodes: 0 }, { deviceClass }];
  for (const first of waiting) t.true(startsAgain(exported(first), withClasses));
  const pending = editingClass(() => ({ allowPending: true }));
  t.true(startsAgain(exported({ matchingNodes: 0 }), pending));
});
