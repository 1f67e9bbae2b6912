/** Applies every remedy of the table of reasons, and checks that the object continues. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { type Reason, reasonGroups, reasons } from '../../src/cluster/api/reasons.ts';
import type { ObservedClass, ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { BlockedReason, JobFailureReason, JobState } from '../../src/cluster/ownedjobs/observed-job.ts';
import { aClass, active, aModelExport, anObserved, aSpec } from '../builders/objects.ts';
import { finish, settle, succeed } from '../builders/played.ts';

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
  const modelExport = aModelExport({ spec: { ...aSpec(), deviceClasses: [{ name: 'ampere' }] } });
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
