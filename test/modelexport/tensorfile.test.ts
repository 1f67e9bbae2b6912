/** A ModelExport that is calibrated from the file of a CalibrationTensorfile: when it waits, and what starts it again. */
import test from 'ava';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import {
  active,
  aJobOf,
  aModelExport,
  anEngineBuilt,
  anExported,
  anObserved,
  aSpec,
  aTensorfile,
  aTensorfileWritten,
} from '../builders/objects.ts';

const { imageDirectory: _, ...calibration } = aSpec().calibration!;
const referring = aSpec({
  calibration: {
    ...calibration,
    source: 'Tensorfile',
    tensorfile: { calibrationTensorfileRef: { name: 'kitti' } },
  },
  deviceClasses: [{ name: 'cpu' }],
});

const condition = (type: string, status: 'True' | 'False', message: string) => ({
  type,
  status,
  reason: 'X',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

/** The file in status. */
const theFile = (character = 'd') =>
  toArtifact('pvc://exports/kitti/k', aTensorfileWritten(character).tensorfile);

/** Ready, with a file whose digest repeats one character. */
const ready = (character = 'd', generation = 1): CalibrationTensorfile =>
  aTensorfile({
    metadata: { generation },
    status: {
      observedGeneration: 1,
      conditions: [condition('Ready', 'True', 'stored')],
      tensorfile: theFile(character),
    },
  });

const waiting = (
  tensorfile: CalibrationTensorfile | undefined,
  changes: Partial<ObservedExport> = {},
): ObservedExport =>
  anObserved({
    modelExport: aModelExport({ spec: referring, status: { observedGeneration: 1 } }),
    classes: anObserved().classes.filter(({ name }) => name === 'cpu'),
    tensorfile,
    ...changes,
  });

const statusAfter = (observed: ObservedExport) =>
  decide(observed).actions.flatMap((action) => (action.kind === 'WriteStatus' ? [action.status] : []))[0] ??
  observed.modelExport.status!;

const reconciling = (observed: ObservedExport) =>
  statusAfter(observed).conditions!.find(({ type }) => type === 'Reconciling')!;

const jobsMade = (observed: ObservedExport) =>
  decide(observed).actions.flatMap((action) => (action.kind === 'CreateJob' ? [action.job] : []));

const taskOf = (observed: ObservedExport): ExportTask => {
  const { containers } = (jobsMade(observed)[0]!.spec.template as Pod).spec;
  return JSON.parse(containers[0]!.command.at(-1)!) as ExportTask;
};
type Pod = { readonly spec: { readonly containers: readonly { readonly command: readonly string[] }[] } };

/** The status after the export and the builds, with all Jobs deleted. */
const finished = (tensorfile: CalibrationTensorfile): ObservedExport => {
  let observed = waiting(tensorfile);
  for (const result of [anExported(), anEngineBuilt()]) {
    const jobs = jobsMade(observed).map((job) => aJobOf(job, { kind: 'Succeeded', result }));
    const modelExport = {
      ...observed.modelExport,
      status: statusAfter({ ...observed, jobs }),
    } as ModelExport;
    observed = { ...observed, modelExport };
  }
  return observed;
};

const waits = test.macro({
  exec: (t, tensorfile: CalibrationTensorfile | undefined, reason: string, message: RegExp) => {
    const observed = waiting(tensorfile);
    t.deepEqual(jobsMade(observed), []);
    t.like(reconciling(observed), { status: 'True', reason });
    t.regex(reconciling(observed).message, message);
    t.is(statusAfter(observed).conditions!.find(({ type }) => type === 'Stalled')!.status, 'False');
    t.is(statusAfter(observed).progress, 'waiting to export');
  },
  title: (what) => `waits, and does not fail: ${what}`,
});
test('one that does not exist', waits, undefined, 'TensorfileMissing', /kitti does not exist .* create it/);
test('one that is being written', waits, aTensorfile(), 'WaitingForTensorfile', /kitti is not ready yet/);
test('ready for an older spec', waits, ready('d', 2), 'WaitingForTensorfile', /kitti is not ready yet/);
test(
  'one that is stalled',
  waits,
  aTensorfile({ status: { conditions: [condition('Stalled', 'True', 'fix line 3')] } }),
  'WaitingForTensorfile',
  /kitti is stalled \(X\): fix line 3/,
);
test(
  'one that is being deleted',
  waits,
  { ...ready(), metadata: { ...ready().metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
  'TensorfileMissing',
  /kitti does not exist/,
);

test('waiting for a file is normal progress without an event, and does not touch running Jobs', (t) => {
  const jobs = [aJobOf(jobsMade(waiting(ready()))[0]!, active)];
  const { actions } = decide(waiting(aTensorfile(), { jobs }));
  t.deepEqual(
    actions.map(({ kind }) => kind),
    ['WriteStatus'],
  );
});

test('a tensorfile that becomes ready starts the export, with the file and its digest in the task', (t) => {
  const { tensorfile } = taskOf(waiting(ready())).calibration!;
  t.deepEqual(tensorfile, { uri: 'pvc://exports/kitti/k/calibration.tensor', sha256: 'd'.repeat(64) });
});

test('an export without int8 does not wait for a tensorfile', (t) => {
  const spec = { ...referring, dataType: 'fp16' } as const;
  const modelExport = aModelExport({ spec, status: { observedGeneration: 1 } });
  t.is(taskOf(waiting(undefined, { modelExport })).calibration, undefined);
});

test('referencing the file itself, with its digest, is the same export', (t) => {
  const { uri, sha256 } = theFile();
  const spec = { ...referring, calibration: { ...referring.calibration!, tensorfile: { uri, sha256 } } };
  const modelExport = aModelExport({ spec, status: { observedGeneration: 1 } });
  t.is(taskOf(waiting(undefined, { modelExport })).exportKey, taskOf(waiting(ready())).exportKey);
});

test('status lists the file that an export was calibrated with', (t) => {
  const { calibrationTensorfile } = finished(ready()).modelExport.status!.export!;
  const { uri } = theFile();
  t.deepEqual(calibrationTensorfile, { name: 'kitti', uri, sha256: 'd'.repeat(64) });
});

test('an export stays valid when its tensorfile is deleted or recreated', (t) => {
  for (const tensorfile of [undefined, aTensorfile(), ready('d', 2), ready()])
    t.deepEqual(decide({ ...finished(ready()), tensorfile }).actions, []);
});

test('switching between the file and its object changes only status', (t) => {
  const { modelExport } = finished(ready());
  const { uri, sha256 } = theFile();
  const calibration = { ...referring.calibration!, tensorfile: { uri, sha256 } };
  const named = { ...modelExport, spec: { ...modelExport.spec, calibration } } as ModelExport;
  const direct = waiting(undefined, { modelExport: named });
  t.deepEqual(jobsMade(direct), []);
  t.is(statusAfter(direct).export!.calibrationTensorfile, undefined);
  const status = statusAfter(direct);
  const back = waiting(ready(), { modelExport: { ...modelExport, status } as ModelExport });
  t.deepEqual(jobsMade(back), []);
  t.is(statusAfter(back).export!.calibrationTensorfile!.name, 'kitti');
});

test('another file leads to another export; status lists the previous artifacts until then', (t) => {
  const again = { ...finished(ready()), tensorfile: ready('e') };
  t.is(taskOf(again).calibration!.tensorfile!.sha256, 'e'.repeat(64));
  t.truthy(statusAfter(again).export!.etlt);
  t.is(statusAfter(again).export!.calibrationTensorfile!.sha256, 'd'.repeat(64));
});

test('a changed spec waits again while its tensorfile is missing', (t) => {
  const { modelExport } = finished(ready());
  const changed = { ...modelExport, spec: { ...modelExport.spec, forcePtq: true } } as ModelExport;
  const observed = waiting(undefined, { modelExport: changed });
  t.is(reconciling(observed).reason, 'TensorfileMissing');
  t.truthy(statusAfter(observed).export!.etlt);
});
