/** Claims with the access modes and the zones that clusters have. */
import test from 'ava';
import { makeCalibrationJob, makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import type { JobDraft } from '../../src/cluster/jobs/job.ts';
import { makeTensorfileJob } from '../../src/cluster/jobs/tensorfile-job.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { ClaimFacts } from '../../src/cluster/ownedjobs/claim-facts.ts';
import { placeByVolumes } from '../../src/cluster/ownedjobs/one-node.ts';
import { aNode } from '../builders/nodes.ts';
import {
  aClass,
  aDeviceClass,
  aModelExport,
  anObserved,
  aSpec,
  aTensorfile,
  noObstacles,
} from '../builders/objects.ts';
import { settle, succeed } from '../builders/perform-actions.ts';

const zone = (name: string) => [
  [{ key: 'topology.kubernetes.io/zone', operator: 'In' as const, values: [name] }],
];
const nodeIn = (name: string) => aNode(`node-${name}`, { labels: { 'topology.kubernetes.io/zone': name } });

/** @param claims facts by the name of the claim: `models` or `exports` */
const observedWith = (
  claims: Readonly<Record<string, ClaimFacts>>,
  changes: Partial<ObservedExport> = {},
): ObservedExport =>
  anObserved({ obstacles: { ...noObstacles, findClaim: (name) => claims[name] }, ...changes });

const condition = ({ modelExport }: ObservedExport, type: string) =>
  modelExport.status!.conditions!.find((each) => each.type === type)!;
const builtOf = ({ modelExport }: ObservedExport, name: string) =>
  modelExport.status!.engines!.find(({ deviceClass }) => deviceClass === name)!.conditions![0]!;

test('an output claim that can only be read is refused before a pod is created, and read again', (t) => {
  const observed = settle(observedWith({ exports: { accessModes: ['ReadOnlyMany'] } }));
  t.deepEqual(observed.jobs, []);
  t.like(condition(observed, 'Reconciling'), { status: 'True', reason: 'ClaimReadOnly' });
  t.regex(
    condition(observed, 'Reconciling').message,
    /PersistentVolumeClaim exports has only .* ReadOnlyMany/,
  );
  t.is(decide(observed).requeueAfterMs, 61_000);
  const changed = settle({ ...observed, obstacles: noObstacles });
  t.is(changed.jobs.length, 1);
});

test('a claim of models may be ReadOnlyMany', (t) => {
  const claims = { models: { accessModes: ['ReadOnlyMany'] }, exports: { accessModes: ['ReadWriteMany'] } };
  t.is(settle(observedWith(claims)).jobs.length, 1);
});

test('a volume in a zone without nodes of the class is refused before a pod waits for it', (t) => {
  const claims = { exports: { accessModes: ['ReadWriteOnce'], nodeTerms: zone('a') } };
  const classes = [
    aClass('ampere', { listNodes: () => [nodeIn('b'), nodeIn('c')], matchingNodes: 2 }),
    aClass('cpu', { listNodes: () => [nodeIn('b'), nodeIn('a')], matchingNodes: 2 }),
  ];
  const observed = settle(succeed(settle(observedWith(claims, { classes }))));
  t.like(builtOf(observed, 'ampere'), { status: 'False', reason: 'VolumeUnreachable' });
  t.is(
    builtOf(observed, 'ampere').message,
    'none of the 2 nodes of the class can access the volume of PersistentVolumeClaim exports (topology.kubernetes.io/zone In a): use a claim that they can access, or nodes that can access it',
  );
  t.is(builtOf(observed, 'cpu').reason, 'Building');
  t.is(condition(observed, 'Stalled').status, 'False');
  t.is(decide(observed).requeueAfterMs, 61_000);
  const reached = {
    ...observed,
    classes: [aClass('ampere', { listNodes: () => [nodeIn('a')] }), classes[1]!],
  };
  t.is(builtOf(settle(reached), 'ampere').reason, 'Building');
});

test('a class that may wait for nodes gets its pod, because an autoscaler can add a node in the zone', (t) => {
  const claims = { exports: { accessModes: ['ReadWriteOnce'], nodeTerms: zone('a') } };
  const deviceClass = { ...aDeviceClass('cpu'), spec: { ...aDeviceClass('cpu').spec, allowPending: true } };
  const classes = [aClass('cpu', { deviceClass, listNodes: () => [nodeIn('b')] })];
  const modelExport = aModelExport({ spec: { deviceClasses: [{ name: 'cpu' }] } });
  const observed = settle(succeed(settle(observedWith(claims, { classes, modelExport }))));
  t.is(builtOf(observed, 'cpu').reason, 'Building');
});

const affinityOf = (observed: ObservedExport): object | undefined => {
  const create = decide(observed).actions.find(({ kind }) => kind === 'CreateJob');
  const { job } = create as Extract<typeof create, { kind: 'CreateJob' }> & object;
  const { template } = job.spec as { template: { spec: { affinity?: object } } };
  return template.spec.affinity;
};

test('pods that count parts share a node if a volume can be attached to one node only', (t) => {
  const { calibration, ...spec } = aSpec();
  const inParts = { ...spec, calibration: { ...calibration!, parallelism: 3 } };
  const modelExport = aModelExport({ spec: inParts });
  const affinity = (models: string[], exports: string[]) =>
    affinityOf(
      observedWith({ models: { accessModes: models }, exports: { accessModes: exports } }, { modelExport }),
    );
  const matchLabels = {
    'export.tlt.dev/stage': 'calibration',
    'export.tlt.dev/model-export-uid': 'uid-demo',
  };
  const term = { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' };
  const together = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  t.deepEqual(affinity(['ReadOnlyMany'], ['ReadWriteOnce']), together);
  t.deepEqual(affinity(['ReadWriteOnce'], ['ReadWriteMany']), together);
  t.deepEqual(affinity(['ReadOnlyMany'], ['ReadWriteOncePod']), together);
  t.is(affinity(['ReadWriteOnce', 'ReadOnlyMany'], ['ReadWriteMany']), undefined);
  t.is(affinity([], []), undefined, 'nothing is known');
  t.is(affinityOf(observedWith({ exports: { accessModes: ['ReadWriteOnce'] } })), undefined, 'one pod');
});

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
const modesOf = (modes: Readonly<Record<string, string>>) => (name: string) =>
  modes[name] === undefined ? undefined : { accessModes: [modes[name]] };

/** Labels of the pods of a Job, and those of the pods beside which they are placed. */
const placedOf = (job: JobDraft) => {
  const { template } = job.spec as {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly affinity?: { readonly podAffinity: object } };
    };
  };
  const text = JSON.stringify(template.spec.affinity ?? {});
  return {
    label: template.metadata.labels['export.tlt.dev/volumes'],
    beside: /"export\.tlt\.dev\/volumes":"(\w+)"/.exec(text)?.[1],
  };
};

test('pods with the same two volumes that one node has at a time are placed beside each other, of one owner or of several', (t) => {
  const once = modesOf({ models: 'ReadWriteOnce', exports: 'ReadWriteOnce', other: 'ReadWriteOnce' });
  const exportOf = (name: string, spec = {}) =>
    makeExportJob(aModelExport({ metadata: { name }, spec }), images);
  const placed = (job: JobDraft, find = once) => placedOf(placeByVolumes(job, find));
  const first = placed(exportOf('one'));
  t.regex(first.label!, /^[0-9a-f]{16}$/);
  t.is(first.beside, first.label, 'the first pod meets its own rule');
  t.deepEqual(placed(exportOf('two')), first);
  const reverse = exportOf('three', {
    model: { uri: 'pvc://exports/m.tlt' },
    calibration: { ...aSpec().calibration!, imageDirectory: { uri: 'pvc://exports/images' } },
    output: { uri: 'pvc://models/out' },
  });
  t.deepEqual(placed(reverse), first, 'input and output exchanged');
  const { calibration } = aSpec();
  const parts = aModelExport({ spec: { calibration: { ...calibration!, parallelism: 3 } } });
  t.deepEqual(placed(makeCalibrationJob(parts, images)!), first, 'pods that count parts');
  const tensorfile = aTensorfile({
    spec: {
      output: { uri: 'pvc://models/out' },
      dataRoot: { uri: 'pvc://exports/data', pathInSpec: '/data' },
    },
  });
  t.deepEqual(placed(makeTensorfileJob(tensorfile, images)), first, 'a tensorfile of the same claims');

  const elsewhere = placed(exportOf('four', { output: { uri: 'pvc://other/out' } }));
  t.not(elsewhere.label, first.label);
  const none = { label: undefined, beside: undefined };
  t.deepEqual(placed(exportOf('five'), modesOf({ models: 'ReadOnlyMany', exports: 'ReadWriteOnce' })), none);
  t.deepEqual(placed(exportOf('six'), modesOf({ exports: 'ReadWriteOnce' })), none, 'one of them is unknown');
});
