/** Both controllers against a real apiserver and its Job controller: one object waits for the file of another. */
import test from 'ava';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { tensorfileResource } from '../../src/cluster/calibrationtensorfile/controller.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { Result } from '../../src/ground/contract/result.ts';
import { aSpec, aTensorfile, aTensorfileWritten } from '../builders/objects.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aSucceededPod } from '../builders/pods.ts';
import { eventually } from '../cluster/run.ts';

let operated: OperatedPlane;
const namespace = 'default';

test.before(async () => {
  operated = await startOperatedPlane([], { namespaces: [namespace], progressMs: 0 });
});
test.after.always(() => operated?.stop());

const resources = { ModelExport: modelExportResource, CalibrationTensorfile: tensorfileResource } as const;
type Kind = keyof typeof resources;

const apply = (kind: Kind, name: string, spec: object): Promise<string> =>
  operated.apply({ kind, metadata: { name, namespace }, spec });

const read = async <T>(kind: Kind, name: string): Promise<T> =>
  (await operated.client.read(resources[kind], { namespace, name }, operated.signal)) as T;

const untilReason = (kind: Kind, name: string, reason: string) =>
  eventually(`${kind} ${name} ${reason}`, async () => {
    const { status } = await read<ModelExport | CalibrationTensorfile>(kind, name);
    const found = status?.conditions?.find(({ type }) => type === 'Ready');
    if (found?.reason === reason) return status;
    throw new Error(`${found?.reason}: ${found?.message}`);
  });

type Listed<T> = { readonly items: readonly T[] };
type Labelled = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly status?: { readonly phase?: string };
};

const stageLabel = 'export.tlt.dev/stage';
const ofStage = async (resource: 'jobs' | 'pods', stage: string): Promise<readonly Labelled[]> => {
  const { items } = (await operated.client.list(
    jobResources[resource],
    { namespace },
    operated.signal,
  )) as Listed<Labelled>;
  return items.filter(({ metadata }) => metadata.labels[stageLabel] === stage);
};

/** Acts as the kubelet: the pending pod of the stage succeeds with this result. */
const endPod = async (stage: string, result: Result): Promise<void> => {
  const pod = await eventually(`a pod of stage ${stage}`, async () => {
    const pods = await ofStage('pods', stage);
    return pods.find(({ status }) => status?.phase === 'Pending');
  });
  const at = { namespace, name: pod.metadata.name, subresource: 'status' };
  await operated.client.mergePatch(
    jobResources.pods,
    at,
    { status: aSucceededPod(stage, result) },
    operated.signal,
  );
};

test.serial('a ModelExport waits for a CalibrationTensorfile that does not exist', async (t) => {
  const { imageDirectory: _, ...calibration } = aSpec().calibration!;
  const tensorfile = { calibrationTensorfileRef: { name: 'kitti' } };
  await apply(
    'ModelExport',
    'demo',
    aSpec({ calibration: { ...calibration, source: 'Tensorfile', tensorfile } }),
  );
  await untilReason('ModelExport', 'demo', 'TensorfileMissing');
  t.deepEqual(await ofStage('jobs', 'export'), []);
});

test.serial('it keeps waiting while one Job writes the tensorfile', async (t) => {
  await apply('CalibrationTensorfile', 'kitti', aTensorfile().spec);
  await untilReason('CalibrationTensorfile', 'kitti', 'WritingTensorfile');
  await untilReason('ModelExport', 'demo', 'WaitingForTensorfile');
  const [, ...others] = await eventually('the Job', async () => {
    const jobs = await ofStage('jobs', 'tensorfile');
    return jobs.length > 0 ? jobs : undefined;
  });
  t.deepEqual(others, []);
  t.deepEqual(await ofStage('jobs', 'export'), []);
});

test.serial('the stored file starts the export, with its digest', async (t) => {
  await endPod('tensorfile', aTensorfileWritten());
  const status = await untilReason('CalibrationTensorfile', 'kitti', 'Ready');
  const { file, ...facts } = aTensorfileWritten().tensorfile;
  const { key, tensorfile } = (status as CalibrationTensorfile['status'])!;
  t.deepEqual(tensorfile, { uri: `pvc://exports/kitti/${key}/${file}`, ...facts });
  await operated.plane.kubectl([
    'wait',
    '--for=condition=Ready',
    'caltf/kitti',
    '-n',
    namespace,
    '--timeout=5s',
  ]);
  await untilReason('ModelExport', 'demo', 'Exporting');
  const [job] = await ofStage('jobs', 'export');
  t.true(JSON.stringify(job).includes(aTensorfileWritten().tensorfile.sha256));
});

test.serial('a finished Job of a tensorfile expires, and normal progress creates no event', async (t) => {
  const expiry = await eventually('the expiry', async () => {
    const [job] = (await ofStage('jobs', 'tensorfile')) as readonly (Labelled & {
      readonly spec: { readonly ttlSecondsAfterFinished?: number };
    })[];
    return job?.spec.ttlSecondsAfterFinished;
  });
  t.true(expiry > 0);
  const story = await operated.plane.kubectl(['describe', 'caltf', 'kitti', '-n', namespace]);
  t.regex(story, /160 images in 10 batches stored at .+\n +Observed Generation: +1\n +Reason: +Ready\n/);
  t.regex(story, /^Events: +<none>$/m);
});

test.serial('another sample gives another file, and a new export from it', async (t) => {
  const before = (await ofStage('jobs', 'export'))[0]!.metadata.name;
  await apply('CalibrationTensorfile', 'kitti', { ...aTensorfile().spec, maxBatches: 20 });
  await untilReason('CalibrationTensorfile', 'kitti', 'WritingTensorfile');
  await endPod('tensorfile', aTensorfileWritten('e'));
  await untilReason('CalibrationTensorfile', 'kitti', 'Ready');
  const again = await eventually('the new export', async () => {
    const jobs = await ofStage('jobs', 'export');
    return jobs.find((job) => JSON.stringify(job).includes('e'.repeat(64)));
  });
  t.not(again.metadata.name, before);
});
