/**
 * Namespaces as platform teams configure them: Pod Security, LimitRange, quotas, ranges of user ids. On a real control
 * plane without kubelets: its Job controller creates the pods, and its admission changes and rejects them.
 */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { aSpec } from '../builders/objects.ts';
import {
  applyIn,
  conditionFor,
  createNamespace,
  finishExport,
  podOf,
} from '../builders/operated-namespace.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { waitForQuota } from '../builders/quota.ts';
import { eventually } from '../cluster/run.ts';

let operated: OperatedPlane;

test.before(async () => {
  operated = await startOperatedPlane(['cpu']);
});
test.after.always(async () => operated?.stop());

const applyExport = (namespace: string, jobs?: ModelExport['spec']['jobs']): Promise<string> => {
  const { calibration: _, ...spec } = aSpec({ dataType: 'fp32', deviceClasses: [{ name: 'cpu' }] });
  const metadata = { name: 'demo', namespace };
  return operated.apply({ kind: 'ModelExport', metadata, spec: { ...spec, ...(jobs && { jobs }) } });
};

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

const countedQuota = async (namespace: string, hard: Readonly<Record<string, string>>): Promise<void> => {
  await applyIn(operated, namespace, aQuota(hard));
  await waitForQuota(operated.plane, { namespace, name: 'team', resource: 'limits.memory' });
};

test('in a namespace with default limits and a quota on limits, pods have our limits', async (t) => {
  await createNamespace(operated, 'limited');
  await applyIn(operated, 'limited', limitRange);
  await countedQuota('limited', { 'limits.memory': '100Gi', 'limits.cpu': '100', 'requests.memory': '50Gi' });
  await applyExport('limited');
  const exporting = await finishExport(operated, 'limited');
  t.like(exporting.spec.containers[0]!.resources.limits, { memory: '4Gi', cpu: '8' });
  const building = await podOf(operated, 'limited', 'engine');
  t.like(building.spec.containers[0]!.resources.limits, { memory: '4Gi', cpu: '2' });
});

test('a pod above a quota gives PodRefused with the message of the server, until its limit is lowered', async (t) => {
  await createNamespace(operated, 'small');
  await applyIn(operated, 'small', limitRange);
  await countedQuota('small', { 'limits.memory': '1Gi' });
  await applyExport('small');
  const { type, message } = await conditionFor(operated, 'small', 'PodRefused');
  t.is(type, 'Reconciling');
  t.regex(message, /exceeded quota: team, requested: limits\.memory=4Gi/);
  await applyExport('small', { export: { resources: { limits: { memory: '512Mi' } } } });
  t.like((await podOf(operated, 'small', 'export')).spec.containers[0]!.resources.limits, {
    memory: '512Mi',
  });
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
  for (const object of uidRange) await operated.apply(object);
  await createNamespace(operated, 'openshift', { uids: 'ranged' });
  await createNamespace(operated, 'probed', {
    uids: 'ranged',
    'pod-security.kubernetes.io/enforce': 'privileged',
  });
  const probe = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', namespace: 'probed' },
    spec: { containers: [{ name: 'c', image: 'i' }], securityContext: { runAsUser: 5 } },
  };
  await eventually('the policy to be in force', () =>
    operated.plane
      .kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(probe))
      .then(() => undefined)
      .catch((thrown: Error) => (thrown.message.includes('must be in the ranges') ? true : undefined)),
  );
  await applyExport('openshift');
  const { message } = await conditionFor(operated, 'openshift', 'PodRefused');
  t.regex(message, /must be in the ranges/);
  await applyExport('openshift', { podSecurity: { idsFrom: 'Platform' } });
  const free = (await finishExport(operated, 'openshift')).spec.securityContext;
  t.like(free, { runAsNonRoot: true, runAsUser: undefined, runAsGroup: undefined, fsGroup: undefined });
  const { securityContext } = (await podOf(operated, 'openshift', 'engine')).spec;
  t.is(securityContext.runAsUser, undefined);
  await createNamespace(operated, 'numbered', { uids: 'ranged' });
  const ids = { runAsUser: 1000700001, fsGroup: 1000700000 };
  await applyExport('numbered', { podSecurity: ids });
  t.like((await podOf(operated, 'numbered', 'export')).spec.securityContext, {
    ...ids,
    runAsGroup: ids.fsGroup,
  });
  await t.throwsAsync(applyExport('numbered', { podSecurity: { idsFrom: 'Platform', runAsUser: 7 } }), {
    message: /idsFrom: Platform does not allow ids: remove runAsUser and fsGroup/,
  });
  await t.throwsAsync(applyExport('numbered', { podSecurity: { runAsUser: 0 } }), { message: /runAsUser/ });
});

test('objects stay visible when a policy overwrites shared labels', async (t) => {
  await createNamespace(operated, 'relabelled');
  await applyExport('relabelled');
  const pod = await podOf(operated, 'relabelled', 'export');
  const managedBy = 'app.kubernetes.io/managed-by=Helm';
  for (const resource of ['jobs', 'pods'])
    await operated.plane.kubectl(['label', resource, '--all', '--overwrite', managedBy, '-n', 'relabelled']);
  await finishExport(operated, 'relabelled');
  t.truthy(pod);
  t.truthy(await podOf(operated, 'relabelled', 'engine'), 'what the relabelled pod reported was seen');
});
