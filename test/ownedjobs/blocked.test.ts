/** Why a pod waits, from messages of the kubelet and the scheduler. */
import test from 'ava';
import { explainMissingPod, explainPending } from '../../src/cluster/ownedjobs/blocked.ts';
import type { PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';

const aPod = (status: PodObject['status']): PodObject => ({
  metadata: { name: 'p', namespace: 'vision', uid: 'uid-p' },
  status: { phase: 'Pending', ...status },
});

const mounts = test.macro({
  exec: (t, warning: string, reason: string, message: RegExp) => {
    const blocked = explainPending(aPod({}), [
      { reason: 'FailedMount', message: `MountVolume.SetUp failed for volume "v" : ${warning}` },
    ]);
    t.is(blocked?.reason, reason as never);
    t.regex(blocked!.message, message);
  },
  title: (_, warning, reason) => `${warning} → ${reason}`,
});
test(mounts, 'secret "absent" not found', 'KeySecretMissing', /^Secret absent does not exist .* create it$/);
test(
  mounts,
  'references non-existent secret key: key',
  'KeySecretMissing',
  /^the Secret has no key key: add it, or fix spec\.keySecretRef\.key$/,
);
test(mounts, 'configmap "specs" not found', 'SpecMissing', /^ConfigMap specs does not exist .* create it$/);
test(
  mounts,
  'configmap references non-existent config key: kitti.txt',
  'SpecMissing',
  /^the ConfigMap has no key kitti\.txt: .*configMapKeyRef\.key$/,
);
test(mounts, 'the disk is on fire', 'PodWaiting', /the disk is on fire/);

test('a missing key of the certificate authorities names their field', (t) => {
  const message =
    'MountVolume.SetUp failed for volume "s3-authority" : configmap references non-existent config key: ca.crt';
  t.regex(
    explainPending(aPod({}), [{ reason: 'FailedMount', message }])!.message,
    /^the ConfigMap has no key ca\.crt: add it, or fix spec\.s3\.caConfigMapKeyRef\.key$/,
  );
});

test('container statuses take precedence over events', (t) => {
  const missing = [{ reason: 'FailedMount', message: 'secret "absent" not found' }];
  const pulling = { name: 'export', state: { waiting: { reason: 'ImagePullBackOff' } } };
  t.is(explainPending(aPod({ containerStatuses: [pulling] }), missing)?.reason, 'ImagePullFailed');
  const creating = { name: 'export', state: { waiting: { reason: 'ContainerCreating' } } };
  t.is(explainPending(aPod({ containerStatuses: [creating] }), missing)?.reason, 'KeySecretMissing');
});

test('a volume that is attached to another node gives VolumeInUse', (t) => {
  const message = 'Multi-Attach error for volume "pvc-1": Volume is already exclusively attached to one node';
  const blocked = explainPending(aPod({}), [{ reason: 'FailedAttachVolume', message }]);
  t.deepEqual(blocked, { reason: 'VolumeInUse', message });
});

test('a volume of another zone gives VolumeUnreachable', (t) => {
  const message = '0/3 nodes are available: 3 node(s) had volume node affinity conflict.';
  t.is(explainPending(unscheduled(message), [])?.reason, 'VolumeUnreachable');
});

test('a Job without a pod shows why its controller could not create the pod', (t) => {
  const quota = { reason: 'FailedCreate', message: 'Error creating: pods "x" is forbidden: exceeded quota' };
  t.deepEqual(explainMissingPod([quota]), { reason: 'PodRefused', message: quota.message });
  t.is(explainMissingPod([]), undefined);
});

const unscheduled = (message: string) =>
  aPod({
    conditions: [
      { type: 'PodScheduled', status: 'False', message, lastTransitionTime: '2026-01-01T00:00:00Z' },
    ],
  });

test('a missing claim is named; other messages of the scheduler are shown as they are', (t) => {
  const claim = explainPending(
    unscheduled('0/3 nodes are available: persistentvolumeclaim "data" not found.'),
    [],
  );
  t.is(claim?.reason, 'ClaimMissing');
  t.regex(claim!.message, /^PersistentVolumeClaim data does not exist/);
  t.deepEqual(explainPending(unscheduled('0/3 nodes are available: 3 Insufficient cpu.'), []), {
    reason: 'Unschedulable',
    message: '0/3 nodes are available: 3 Insufficient cpu.',
  });
});

const waitingFor = (reason: string) =>
  explainPending(
    aPod({ containerStatuses: [{ name: 'export', state: { waiting: { reason, message: 'why' } } }] }),
    [],
  );

test('an image that cannot be pulled is reported, a container that is being created is not', (t) => {
  t.deepEqual(waitingFor('ImagePullBackOff'), {
    reason: 'ImagePullFailed',
    message: 'container export: ImagePullBackOff: why',
  });
  t.is(waitingFor('CreateContainerConfigError')?.reason, 'PodWaiting');
  t.is(waitingFor('ContainerCreating'), undefined);
});

test('a running pod waits for nothing', (t) => {
  const pod = unscheduled('secret "absent" not found');
  t.is(explainPending({ ...pod, status: { ...pod.status, phase: 'Running' } }, []), undefined);
});
