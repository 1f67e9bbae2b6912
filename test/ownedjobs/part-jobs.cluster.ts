/**
 * Jobs of several parts and their claims, on a real control plane without kubelets: its Job controller creates and replaces the
 * pods, and the tests end them as kubelets do.
 */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import { aSpec } from '../builders/objects.ts';
import {
  applyIn,
  type CreatedPod,
  conditionFor,
  createNamespace,
  finishExport,
  listPods,
  podOf,
  readDemo,
  reportPod,
} from '../builders/operated-namespace.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aFailedPod, aSucceededPod } from '../builders/pods.ts';
import { eventually } from '../cluster/run.ts';

let operated: OperatedPlane;

test.before(async () => {
  operated = await startOperatedPlane(['cpu']);
});
test.after.always(async () => operated?.stop());

/** The pods of an Indexed Job that were created. */
const partsOf = async (namespace: string, count: number): Promise<readonly CreatedPod[]> =>
  eventually(`${count} pods in ${namespace}`, async () => {
    const parts = await listPods(operated, namespace, 'calibration');
    return parts.length === count ? parts : undefined;
  });

const indexOf = ({ metadata }: CreatedPod): string =>
  metadata.labels['batch.kubernetes.io/job-completion-index']!;

const countedPart = aSucceededPod('calibrate', { kind: 'Counted', images: 4, reused: false });

const killedPod = {
  ...aFailedPod('calibrate', 'Internal'),
  containerStatuses: aFailedPod('calibrate', 'Internal').containerStatuses.map((container) => ({
    ...container,
    state: { terminated: { exitCode: 137, reason: 'Error' } },
  })),
};

const applyParts = async (namespace: string, changes: Partial<ModelExport['spec']> = {}): Promise<void> => {
  const spec = aSpec({ deviceClasses: [{ name: 'cpu' }], ...changes });
  const calibration = { ...spec.calibration, parallelism: 3 };
  await operated.apply({
    kind: 'ModelExport',
    metadata: { name: 'demo', namespace },
    spec: { ...spec, calibration },
  });
};

test('a calibration by three pods counts the part of a killed pod again and the others once, and then exports', async (t) => {
  await createNamespace(operated, 'parts');
  await applyParts('parts');
  const first = await partsOf('parts', 3);
  t.deepEqual(first.map(indexOf).toSorted(), ['0', '1', '2']);
  t.is((await conditionFor(operated, 'parts', 'Calibrating')).message, '3 pods count the calibration images');
  for (const pod of first)
    await reportPod(operated, 'parts', pod, indexOf(pod) === '1' ? killedPod : countedPart);
  const [replaced, ...others] = (await partsOf('parts', 4)).filter(
    ({ metadata }) => !first.some((pod) => pod.metadata.name === metadata.name),
  );
  t.deepEqual([indexOf(replaced!), others.length], ['1', 0]);
  await reportPod(operated, 'parts', replaced!, countedPart);
  await finishExport(operated, 'parts');
  await podOf(operated, 'parts', 'engine');
  t.is((await partsOf('parts', 4)).length, 4, 'no part was counted again');
  const { status } = await readDemo(operated, 'parts');
  t.is(status!.calibration!.key, status!.calibration!.wantedKey);
  t.is(status!.calibration!.attempts, undefined, 'the Job retried its index by itself');
});

test('a part that fails for good stops the others, and the export says which part and why', async (t) => {
  await createNamespace(operated, 'broken-part');
  await applyParts('broken-part');
  const parts = await partsOf('broken-part', 3);
  const last = parts.find((pod) => indexOf(pod) === '2')!;
  await reportPod(operated, 'broken-part', last, aFailedPod('calibrate', 'ImageInvalid'));
  const { type, message } = await conditionFor(operated, 'broken-part', 'ImageInvalid');
  t.is(type, 'Stalled');
  t.is(message, 'export failed: part 3: by the test: ImageInvalid');
});

const aClaim = (name: string, accessMode: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: [accessMode], resources: { requests: { storage: '1Gi' } } },
});

test('an output claim that can only be read is refused, and pods that count parts share the node of a ReadWriteOnce claim', async (t) => {
  const namespace = 'claims';
  await createNamespace(operated, namespace);
  await applyIn(operated, namespace, aClaim('exports', 'ReadOnlyMany'));
  await applyIn(operated, namespace, aClaim('single', 'ReadWriteOnce'));
  await applyParts(namespace);
  const { message } = await conditionFor(operated, namespace, 'ClaimReadOnly');
  t.regex(message, /PersistentVolumeClaim exports has only the access mode ReadOnlyMany/);
  const { items } = (await operated.client.list(jobResources.jobs, { namespace }, operated.signal)) as {
    items: object[];
  };
  t.deepEqual(items, [], 'no Job was created');
  await applyParts(namespace, { output: { uri: 'pvc://single/demo' } });
  for (const { spec } of await partsOf(namespace, 3))
    t.like(spec.affinity, {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
      },
    });
});
