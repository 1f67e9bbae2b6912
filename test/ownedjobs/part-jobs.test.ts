/**
 * Jobs of several parts and their claims, on a real control plane without kubelets: its Job controller creates and replaces the
 * pods, and the tests end them as kubelets do.
 */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { anExported, aSpec } from '../builders/objects.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aFailedPod, aSucceededPod } from '../builders/pods.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { eventually } from '../cluster/run.ts';

let plane: ControlPlane;
let client: KubeClient;
let signal: AbortSignal;
let apply: OperatedPlane['apply'];
let stop: OperatedPlane['stop'] | undefined;

test.before(async () => {
  ({ plane, client, signal, apply, stop } = await startOperatedPlane(['cpu']));
});
test.after.always(async () => stop?.());

/** Every namespace enforces the restricted Pod Security Standard. */
const aNamespace = async (name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> => {
  const enforced = { 'pod-security.kubernetes.io/enforce': 'restricted', ...labels };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: enforced } });
  // The controller manager creates the ServiceAccount of the pods.
  await eventually('the default ServiceAccount', async () =>
    plane.kubectl(['get', 'serviceaccount', 'default', '-n', name]).catch(() => undefined),
  );
};

type Pod = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly affinity?: object;
  };
};

const podOf = (namespace: string, stage: string): Promise<Pod> =>
  eventually(`the ${stage} pod in ${namespace}`, async () => {
    const { items } = (await client.list(jobResources.pods, { namespace }, signal)) as { items: Pod[] };
    return items.find(({ metadata: { labels } }) => labels['export.tlt.dev/stage'] === stage);
  });

/** Acts as the kubelet of the export pod. */
const finishExport = async (namespace: string): Promise<Pod> => {
  const pod = await podOf(namespace, 'export');
  const at = { namespace, name: pod.metadata.name, subresource: 'status' };
  await client.mergePatch(jobResources.pods, at, { status: aSucceededPod('export', anExported()) }, signal);
  return pod;
};

const conditionFor = (namespace: string, reason: string) =>
  eventually(`demo in ${namespace} to say ${reason}`, async () => {
    const found = (await client.read(
      modelExportResource,
      { namespace, name: 'demo' },
      signal,
    )) as ModelExport;
    return found.status?.conditions?.find((c) => c.status === 'True' && c.reason === reason);
  });

const applyIn = async (namespace: string, object: object): Promise<void> => {
  await plane.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(object));
};

/** The pods of an Indexed Job that were created, oldest first. */
const partsOf = async (namespace: string, count: number): Promise<readonly Pod[]> =>
  eventually(`${count} pods in ${namespace}`, async () => {
    const { items } = (await client.list(jobResources.pods, { namespace }, signal)) as { items: Pod[] };
    const parts = items.filter(
      ({ metadata: { labels } }) => labels['export.tlt.dev/stage'] === 'calibration',
    );
    return parts.length === count ? parts : undefined;
  });

const indexOf = ({ metadata }: Pod): string => metadata.labels['batch.kubernetes.io/job-completion-index']!;

const endPart = (namespace: string, { metadata: { name } }: Pod, status: object): Promise<unknown> =>
  client.mergePatch(jobResources.pods, { namespace, name, subresource: 'status' }, { status }, signal);

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
  await apply({ kind: 'ModelExport', metadata: { name: 'demo', namespace }, spec: { ...spec, calibration } });
};

test('a calibration by three pods counts the part of a killed pod again and the others once, and then exports', async (t) => {
  await aNamespace('parts');
  await applyParts('parts');
  const first = await partsOf('parts', 3);
  t.deepEqual(first.map(indexOf).toSorted(), ['0', '1', '2']);
  t.is((await conditionFor('parts', 'Calibrating')).message, '3 pods count the calibration images');
  for (const pod of first) await endPart('parts', pod, indexOf(pod) === '1' ? killedPod : countedPart);
  const [replaced, ...others] = (await partsOf('parts', 4)).filter(
    ({ metadata }) => !first.some((pod) => pod.metadata.name === metadata.name),
  );
  t.deepEqual([indexOf(replaced!), others.length], ['1', 0]);
  await endPart('parts', replaced!, countedPart);
  await finishExport('parts');
  await podOf('parts', 'engine');
  t.is((await partsOf('parts', 4)).length, 4, 'no part was counted again');
  const { status } = (await client.read(
    modelExportResource,
    { namespace: 'parts', name: 'demo' },
    signal,
  )) as ModelExport;
  t.is(status!.calibration!.key, status!.calibration!.wantedKey);
  t.is(status!.calibration!.attempts, undefined, 'the Job retried its index by itself');
});

test('a part that fails for good stops the others, and the export says which part and why', async (t) => {
  await aNamespace('broken-part');
  await applyParts('broken-part');
  const parts = await partsOf('broken-part', 3);
  const last = parts.find((pod) => indexOf(pod) === '2')!;
  await endPart('broken-part', last, aFailedPod('calibrate', 'ImageInvalid'));
  const { type, message } = await conditionFor('broken-part', 'ImageInvalid');
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
  await aNamespace(namespace);
  await applyIn(namespace, aClaim('exports', 'ReadOnlyMany'));
  await applyIn(namespace, aClaim('single', 'ReadWriteOnce'));
  await applyParts(namespace);
  const { message } = await conditionFor(namespace, 'ClaimReadOnly');
  t.regex(message, /PersistentVolumeClaim exports has only the access mode ReadOnlyMany/);
  const { items } = (await client.list(jobResources.jobs, { namespace }, signal)) as { items: object[] };
  t.deepEqual(items, [], 'no Job was created');
  await applyParts(namespace, { output: { uri: 'pvc://single/demo' } });
  for (const { spec } of await partsOf(namespace, 3))
    t.like(spec.affinity, {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
      },
    });
});
