/** Rejected Jobs, two objects with the same artifact, and the progress of pods, on a real control plane without kubelets. */
import test from 'ava';
import { labels } from '../../src/cluster/api/labels.ts';
import type { ModelExport, ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { anExported, aSpec } from '../builders/objects.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aSucceededPod } from '../builders/pods.ts';
import { waitForQuota } from '../builders/quota.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { eventually } from '../cluster/run.ts';
import { makeNode, startKubelet } from '../plugin/kubelet.ts';

let plane: ControlPlane;
let client: KubeClient;
let signal: AbortSignal;
let apply: OperatedPlane['apply'];
let stop: OperatedPlane['stop'] | undefined;

test.before(async () => {
  ({ plane, client, signal, apply, stop } = await startOperatedPlane(['cpu', 'other'], { progressMs: 500 }));
});
test.after.always(async () => stop?.());

type Spec = Partial<ModelExport['spec']>;

const applyExport = (namespace: string, name: string, changes: Spec = {}): Promise<string> => {
  const deviceClasses = [{ name: 'cpu' }, { name: 'other' }];
  const { calibration: _, ...spec } = aSpec({ dataType: 'fp32', deviceClasses, ...changes });
  return apply({ kind: 'ModelExport', metadata: { name, namespace }, spec });
};

const statusOf = async (namespace: string, name: string): Promise<ModelExportStatus> =>
  ((await client.read(modelExportResource, { namespace, name }, signal)) as ModelExport).status ?? {};

const untilReason = (namespace: string, name: string, type: string, reason: string) =>
  eventually(`${name} to be ${type} for ${reason}`, async () => {
    const { conditions } = await statusOf(namespace, name);
    return conditions?.find((c) => c.type === type && c.status === 'True' && c.reason === reason);
  });

type Listed = {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
    readonly status?: { readonly conditions?: readonly { readonly type: string }[] };
  }[];
};

const listed = async (resource: 'jobs' | 'pods', namespace: string, stage: string) => {
  const { items } = (await client.list(jobResources[resource], { namespace }, signal)) as Listed;
  return items.filter(({ metadata: { labels } }) => labels['export.tlt.dev/stage'] === stage);
};

/** Acts as the kubelet of the only export pod of the namespace. */
const finishExport = async (namespace: string): Promise<void> => {
  const [pod] = await eventually('the export pod', async () => {
    const pods = await listed('pods', namespace, 'export');
    return pods.length > 0 ? pods : undefined;
  });
  const at = { namespace, name: pod!.metadata.name, subresource: 'status' };
  await client.mergePatch(jobResources.pods, at, { status: aSucceededPod('export', anExported()) }, signal);
};

const addQuota = async (namespace: string, jobs: number): Promise<void> => {
  await plane.kubectl(['create', 'namespace', namespace]);
  await plane.kubectl(['create', 'quota', 'few', `--hard=count/jobs.batch=${jobs}`, '-n', namespace]);
  await waitForQuota(plane, { namespace, name: 'few', resource: 'count/jobs.batch' });
};

test('an export waits for a quota on Jobs, and its finished Jobs are deleted to make room', async (t) => {
  await addQuota('crowded', 1);
  await applyExport('crowded', 'demo');
  await finishExport('crowded');
  const { message } = await untilReason('crowded', 'demo', 'Reconciling', 'JobRefused');
  t.regex(message, /exceeded quota: few/);
  const { export: exported, conditions } = await statusOf('crowded', 'demo');
  t.truthy(exported!.etlt, 'what the export made is in status');
  t.is(conditions!.find(({ type }) => type === 'Stalled')!.status, 'False');
  await eventually('the finished Job to be deleted', async () =>
    (await listed('jobs', 'crowded', 'export')).length === 0 ? true : undefined,
  );
  const events = await plane.kubectl(['get', 'events', '-n', 'crowded', '-o', 'jsonpath={.items[*].reason}']);
  t.true(events.includes('JobRefused'));
});

/** An admission policy that rejects Jobs of one device class in one namespace. */
const forbidClass = async (namespace: string, deviceClass: string): Promise<void> => {
  const name = `no-${deviceClass}`;
  const expression = `object.metadata.?labels[?'${labels.deviceClass}'].orValue('') != '${deviceClass}'`;
  const rule = { apiGroups: ['batch'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['jobs'] };
  const policy = {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression }], // Its answer is a 422, as that to a Job that is not valid.
  };
  const here = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  const binding = {
    policyName: name,
    validationActions: ['Deny'],
    matchResources: { namespaceSelector: here },
  };
  const apiVersion = 'admissionregistration.k8s.io/v1';
  await apply({ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec: policy });
  await apply({ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name }, spec: binding });
  await plane.kubectl(['create', 'namespace', namespace]);
  const probe = ['create', 'job', 'probe', '--image=none.invalid/none', '--dry-run=client', '-o', 'json'];
  const job = JSON.parse(await plane.kubectl(probe)) as { metadata: object };
  job.metadata = { name: 'probe', namespace, labels: { [labels.deviceClass]: deviceClass } };
  const tryIt = ['create', '--dry-run=server', '-f', '-'];
  await eventually('the policy to be in force', () =>
    plane.kubectl(tryIt, JSON.stringify(job)).then(
      () => undefined,
      (thrown: Error) => (thrown.message.includes(name) ? true : undefined),
    ),
  );
};

test('a rejected Job does not block others: the second engine is built while the first is rejected', async (t) => {
  await forbidClass('tight', 'cpu');
  await applyExport('tight', 'demo');
  await finishExport('tight');
  const reasons = await eventually('an engine to be refused', async () => {
    const { engines } = await statusOf('tight', 'demo');
    const found = engines?.map(({ deviceClass, conditions }) => [deviceClass, conditions?.[0]?.reason]);
    return found?.some(([, reason]) => reason === 'JobRefused') ? found : undefined;
  });
  t.deepEqual(reasons, [
    ['cpu', 'JobRefused'],
    ['other', 'Building'],
  ]);
  t.is((await listed('jobs', 'tight', 'engine')).length, 1);
});

test('an invalid Job stalls the object with the message of the apiserver, until the spec changes', async (t) => {
  await plane.kubectl(['create', 'namespace', 'invalid']);
  const jobs = { metadata: { annotations: { 'kubectl.kubernetes.io/default-container': 'x' } } };
  const tolerations = [{ key: 'a', operator: 'Exists', value: 'b' }] as const;
  await applyExport('invalid', 'demo', {
    jobs: { ...jobs, export: { placement: { tolerations: [...tolerations] } } },
  });
  const { message } = await untilReason('invalid', 'demo', 'Stalled', 'JobRefused');
  t.regex(message, /422 .*tolerations\[0\]/);
  await applyExport('invalid', 'demo', { jobs });
  await untilReason('invalid', 'demo', 'Reconciling', 'Exporting');
});

test('of two objects with the same artifact in the same folder, one makes it and the other uses the result', async (t) => {
  await plane.kubectl(['create', 'namespace', 'twins']);
  await applyExport('twins', 'first');
  await eventually('the first Job', async () =>
    (await listed('jobs', 'twins', 'export')).length === 1 ? true : undefined,
  );
  await applyExport('twins', 'second');
  const { message } = await untilReason('twins', 'second', 'Reconciling', 'WaitingForTwin');
  t.regex(message, /^export waits: first is producing the same artifact/);
  t.is((await listed('jobs', 'twins', 'export')).length, 1);
  await finishExport('twins');
  await eventually('the second Job, after the first', async () =>
    (await listed('jobs', 'twins', 'export')).length === 2 ? true : undefined,
  );
});

/** Binds the export pod of the namespace to the node, and lets its container run. */
const runExportPod = async (namespace: string, node: string): Promise<void> => {
  const [pod] = await eventually('the export pod', async () => {
    const pods = await listed('pods', namespace, 'export');
    return pods.length > 0 ? pods : undefined;
  });
  const { name } = pod!.metadata;
  const target = { apiVersion: 'v1', kind: 'Node', name: node };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target };
  await plane.ask(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, { method: 'POST', body: binding });
  const state = { running: { startedAt: new Date(Date.now() - 60_000).toISOString() } };
  const container = { name: 'export', image: 'i', imageID: '', ready: true, restartCount: 0, state };
  const status = { phase: 'Running', containerStatuses: [container] };
  await client.mergePatch(jobResources.pods, { namespace, name, subresource: 'status' }, { status }, signal);
};

test('status shows what a running pod writes to its log, and no longer once the pod has ended', async (t) => {
  const asked: string[] = [];
  const report = {
    progress: 'Calibrating',
    done: 86,
    total: 200,
    seconds: 7,
    perSecond: 12.1,
    secondsLeft: 9.4,
  };
  const port = await startKubelet(t, (url) => {
    asked.push(url);
    return `${JSON.stringify(report)}\n{"level":"WARNING","message":"Skipped: 7.jpg"}\n`;
  });
  await makeNode(plane.ask, port);
  await plane.kubectl(['create', 'namespace', 'progress']);
  await applyExport('progress', 'demo');
  await runExportPod('progress', 'logging');
  const shown = await eventually('progress in status', async () => {
    const { export: exported, progress } = await statusOf('progress', 'demo');
    return exported?.running && { ...exported.running, progress };
  });
  const { reportedAt, ...rest } = shown;
  t.deepEqual(rest, {
    activity: 'Calibrating',
    percent: 43,
    done: 86,
    total: 200,
    perSecond: '12.1',
    secondsLeft: 9,
    progress: 'exporting: calibrating 43%, 9s left',
  });
  t.true(Math.abs(Date.parse(reportedAt) - Date.now()) < 60_000);
  t.regex(asked[0]!, /^\/containerLogs\/progress\/demo-export-[^/]+\/export\?limitBytes=16384&tailLines=8$/);
  const table = await plane.kubectl(['get', 'mex', '-n', 'progress']);
  t.regex(table, /exporting: calibrating 43%, 9s left/);
  await finishExport('progress');
  const { export: exported } = await eventually('the export to be stored', async () => {
    const status = await statusOf('progress', 'demo');
    return status.export?.etlt && status;
  });
  t.is(exported!.running, undefined);
});
