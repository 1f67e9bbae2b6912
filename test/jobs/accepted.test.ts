/** The Job API accepts Jobs of every spec that admission accepts: unusual specs, on a real apiserver. */
import test from 'ava';
import { makeEngineJob } from '../../src/cluster/jobs/engine-job.ts';
import { makeCalibrationJob, makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import type { JobDraft } from '../../src/cluster/jobs/job.ts';
import { hashTemplate, nameJob } from '../../src/cluster/jobs/template.ts';
import { makeTensorfileJob } from '../../src/cluster/jobs/tensorfile-job.ts';
import { placeByVolumes } from '../../src/cluster/ownedjobs/one-node.ts';
import { aDeviceClass, aModelExport, aSpec, aTensorfile, someArtifacts } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';

let plane: ControlPlane;
test.before(async () => {
  plane = await startControlPlane();
  await installCrds(plane);
  await plane.kubectl(['create', 'namespace', 'vision']);
});
test.after.always(() => plane?.stop());

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
type Spec = NonNullable<NonNullable<Parameters<typeof aModelExport>[0]>['spec']>;

const dryRun = (path: string, body: object): Promise<string> =>
  plane.ask(`${path}?dryRun=All&fieldValidation=Strict`, { method: 'POST', body });

const jobsAt = '/apis/batch/v1/namespaces/vision/jobs';
const takenAsJob = (draft: JobDraft, part: string): Promise<string> =>
  dryRun(jobsAt, nameJob(draft, 'demo', { part, attempt: 'a'.repeat(10), template: hashTemplate(draft) }));

const accepted = test.macro({
  exec: async (t, changes: Spec) => {
    const spec = aSpec(changes);
    const apiVersion = 'export.tlt.dev/v1beta1';
    const metadata = { name: 'demo', namespace: 'vision' };
    const exports = `/apis/${apiVersion}/namespaces/vision/modelexports`;
    await t.notThrowsAsync(
      dryRun(exports, { apiVersion, kind: 'ModelExport', metadata, spec }),
      'the object',
    );
    const owner = aModelExport({ spec: changes });
    const plan = { owner, deviceClass: aDeviceClass('ampere'), exported: someArtifacts(), images };
    await t.notThrowsAsync(takenAsJob(makeExportJob(owner, images), 'export'), 'its export');
    const counting = makeCalibrationJob(owner, images);
    if (counting) {
      const single = placeByVolumes(counting, () => ({ accessModes: ['ReadWriteOnce'] }));
      await t.notThrowsAsync(takenAsJob(single, 'calibration'), 'its counting');
    }
    await t.notThrowsAsync(takenAsJob(makeEngineJob(plan), 'ampere'), 'its engine');
  },
  title: (title) => `admitted, and taken as a Job: ${title}`,
});

const long = 'c'.repeat(240);
test('nothing special', accepted, {});
test('claims whose names differ only by a dot', accepted, {
  model: { uri: 'pvc://a.b/m.tlt' },
  output: { uri: 'pvc://a-b/out' },
});
test('claims of 250 characters with a common prefix', accepted, {
  model: { uri: `pvc://${long}-one/m.tlt` },
  output: { uri: `pvc://${long}-two/out` },
});
test('a request above the default limit', accepted, {
  jobs: {
    export: { resources: { requests: { memory: '64Gi', cpu: 32 } } },
    engine: { resources: { requests: { memory: '64Gi', 'ephemeral-storage': '20Gi' } } },
    helpers: { resources: { requests: { memory: '16Gi' } } },
  },
});
test('a limit below the default request', accepted, {
  jobs: {
    export: { resources: { limits: { memory: '100Mi', cpu: '100m' } } },
    engine: { resources: { limits: { memory: '100Mi' } } },
    helpers: { resources: { limits: { memory: 67108864 } } },
  },
});
test('labels and annotations of tenants', accepted, {
  jobs: {
    metadata: {
      labels: { 'kueue.x-k8s.io/queue-name': 'vision', team: '' },
      annotations: { 'example.com/note': 'any text: {"a": 1}\n' },
    },
  },
});
const image = `registry.example.com:5000/team/models@sha256:${'b'.repeat(64)}`;
test('a model and images in image volumes, two of the same image', accepted, {
  model: { uri: `oci://${image}/classifier/m.tlt` },
  calibration: { ...aSpec().calibration!, imageDirectory: { uri: `oci://${image}/images` }, parallelism: 3 },
});
test('a codec', accepted, {
  codec: { image: `registry.example.com/codec@sha256:${'a'.repeat(64)}`, command: ['codec', '--strict'] },
});

test('a CalibrationTensorfile with claims whose names differ only by a dot', async (t) => {
  const changes = { dataRoot: { uri: 'pvc://a.b/' }, output: { uri: 'pvc://a-b/out' } };
  const draft = makeTensorfileJob(aTensorfile({ spec: changes }), images);
  await t.notThrowsAsync(takenAsJob(draft, 'tensorfile'));
});
