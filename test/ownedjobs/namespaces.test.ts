/**
 * Namespaces as platform teams configure them: Pod Security, LimitRange, quotas, ranges of user ids. On a real control
 * plane without kubelets: its Job controller creates the pods, and its admission changes and rejects them.
 */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { anExported, aSpec } from '../builders/objects.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aSucceededPod } from '../builders/pods.ts';
import { waitForQuota } from '../builders/quota.ts';
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

const applyExport = (namespace: string, jobs?: ModelExport['spec']['jobs']): Promise<string> => {
  const { calibration: _, ...spec } = aSpec({ dataType: 'fp32', deviceClasses: [{ name: 'cpu' }] });
  const metadata = { name: 'demo', namespace };
  return apply({ kind: 'ModelExport', metadata, spec: { ...spec, ...(jobs && { jobs }) } });
};

type Pod = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly securityContext: Readonly<Record<string, unknown>>;
    readonly containers: readonly { readonly resources: { readonly limits?: object } }[];
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

const limits = { cpu: '100m', memory: '128Mi' };
const limitRange = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'defaults' },
  spec: { limits: [{ type: 'Container', default: limits, defaultRequest: limits }] },
};
const aQuota = (hard: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'team' },
  spec: { hard },
});

const applyIn = async (namespace: string, object: object): Promise<void> => {
  await plane.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(object));
};

const countedQuota = async (namespace: string, hard: Readonly<Record<string, string>>): Promise<void> => {
  await applyIn(namespace, aQuota(hard));
  await waitForQuota(plane, { namespace, name: 'team', resource: 'limits.memory' });
};

test('in a namespace with default limits and a quota on limits, pods have our limits', async (t) => {
  await aNamespace('limited');
  await applyIn('limited', limitRange);
  await countedQuota('limited', { 'limits.memory': '100Gi', 'limits.cpu': '100', 'requests.memory': '50Gi' });
  await applyExport('limited');
  const exporting = await finishExport('limited');
  t.like(exporting.spec.containers[0]!.resources.limits, { memory: '4Gi', cpu: '8' });
  const building = await podOf('limited', 'engine');
  t.like(building.spec.containers[0]!.resources.limits, { memory: '4Gi', cpu: '2' });
});

test('a pod above a quota gives PodRefused with the message of the server, until its limit is lowered', async (t) => {
  await aNamespace('small');
  await applyIn('small', limitRange);
  await countedQuota('small', { 'limits.memory': '1Gi' });
  await applyExport('small');
  const { type, message } = await conditionFor('small', 'PodRefused');
  t.is(type, 'Reconciling');
  t.regex(message, /exceeded quota: team, requested: limits\.memory=4Gi/);
  await applyExport('small', { export: { resources: { limits: { memory: '512Mi' } } } });
  t.like((await podOf('small', 'export')).spec.containers[0]!.resources.limits, { memory: '512Mi' });
});

/**
 * Like SecurityContextConstraints of OpenShift: requires ids from the range of the namespace, or sets them if there are
 * none.
 */
const uidRange = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'uid-range' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
        ],
      },
      validations: [
        {
          expression:
            '!has(object.spec.securityContext.runAsUser) || (object.spec.securityContext.runAsUser >= 1000700000 && object.spec.securityContext.runAsUser < 1000710000)',
          message: 'runAsUser must be in the ranges: [1000700000, 1000709999]',
        },
      ],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'uid-range' },
    spec: {
      policyName: 'uid-range',
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: { matchLabels: { uids: 'ranged' } } },
    },
  },
];

test('in a restricted namespace with a range of user ids, the platform or the object sets them', async (t) => {
  for (const object of uidRange) await apply(object);
  await aNamespace('openshift', { uids: 'ranged' });
  await aNamespace('probed', { uids: 'ranged', 'pod-security.kubernetes.io/enforce': 'privileged' });
  const probe = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', namespace: 'probed' },
    spec: { containers: [{ name: 'c', image: 'i' }], securityContext: { runAsUser: 5 } },
  };
  await eventually('the policy to be in force', () =>
    plane
      .kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(probe))
      .then(() => undefined)
      .catch((thrown: Error) => (thrown.message.includes('must be in the ranges') ? true : undefined)),
  );
  await applyExport('openshift');
  const { message } = await conditionFor('openshift', 'PodRefused');
  t.regex(message, /must be in the ranges/);
  await applyExport('openshift', { podSecurity: { idsFrom: 'Platform' } });
  const free = (await finishExport('openshift')).spec.securityContext;
  t.like(free, { runAsNonRoot: true, runAsUser: undefined, runAsGroup: undefined, fsGroup: undefined });
  const { securityContext } = (await podOf('openshift', 'engine')).spec;
  t.is(securityContext.runAsUser, undefined);
  await aNamespace('numbered', { uids: 'ranged' });
  const ids = { runAsUser: 1000700001, fsGroup: 1000700000 };
  await applyExport('numbered', { podSecurity: ids });
  t.like((await podOf('numbered', 'export')).spec.securityContext, { ...ids, runAsGroup: ids.fsGroup });
  await t.throwsAsync(applyExport('numbered', { podSecurity: { idsFrom: 'Platform', runAsUser: 7 } }), {
    message: /idsFrom: Platform does not allow ids: remove runAsUser and fsGroup/,
  });
  await t.throwsAsync(applyExport('numbered', { podSecurity: { runAsUser: 0 } }), { message: /runAsUser/ });
});

test('objects stay visible when a policy overwrites shared labels', async (t) => {
  await aNamespace('relabelled');
  await applyExport('relabelled');
  const pod = await podOf('relabelled', 'export');
  const managedBy = 'app.kubernetes.io/managed-by=Helm';
  for (const resource of ['jobs', 'pods'])
    await plane.kubectl(['label', resource, '--all', '--overwrite', managedBy, '-n', 'relabelled']);
  await finishExport('relabelled');
  t.truthy(pod);
  t.truthy(await podOf('relabelled', 'engine'), 'what the relabelled pod reported was seen');
});
