/** What pods of a device class require of nodes and volumes. Manifests and node matching use the same functions. */
import test from 'ava';
import { devicesOf, nodeSelectorOf, tolerationsOf } from '../../src/cluster/api/class-pods.ts';
import type { ExportDeviceClassSpec } from '../../src/cluster/api/export-device-class.ts';
import { findMismatch } from '../../src/cluster/deviceclass/match.ts';
import { makeClaimVolumes, makePodSecurityContext } from '../../src/cluster/jobs/pod.ts';
import { a10Labels, aGpuNode, aNode } from '../builders/nodes.ts';

const onGpu = (changes: Partial<ExportDeviceClassSpec> = {}): ExportDeviceClassSpec => ({
  engine: { backend: 'TensorRt' },
  allowPending: false,
  ...changes,
});

test('a backend that builds on a GPU gets one, and its taint is tolerated', (t) => {
  t.deepEqual(devicesOf(onGpu()), { 'nvidia.com/gpu': '1' });
  t.deepEqual(tolerationsOf(onGpu()), [{ key: 'nvidia.com/gpu', operator: 'Exists' }]);
  t.is(findMismatch(aNode('cpu'), onGpu())?.text, 'has 0 of nvidia.com/gpu, the class requests 1');
  const taints = [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }];
  t.is(findMismatch(aGpuNode('a10', a10Labels, { taints }), onGpu()), undefined);
});

for (const resource of [
  'nvidia.com/mig-1g.5gb',
  'nvidia.com/gpu',
  'nvidia.com/gpu.shared',
  'example.com/gpu',
])
  test(`a class that names its device gets only that device: ${resource}`, (t) => {
    t.deepEqual(devicesOf(onGpu({ resources: { [resource]: 1 } })), { [resource]: '1' });
  });

test('a device that is not a GPU is requested in addition to the GPU', (t) => {
  t.deepEqual(devicesOf(onGpu({ resources: { 'rdma/hca': '1' } })), {
    'nvidia.com/gpu': '1',
    'rdma/hca': '1',
  });
});

test('a CPU class requests no device and adds no toleration', (t) => {
  const spec = onGpu({ engine: { backend: 'OnnxRuntime' } });
  t.deepEqual(devicesOf(spec), {});
  t.deepEqual(tolerationsOf(spec), []);
});

test('pods require Linux, and x86-64 if the image does', (t) => {
  t.deepEqual(nodeSelectorOf(onGpu()), { 'kubernetes.io/os': 'linux' });
  const engine = { backend: 'TensorRtRtx', computeCapability: '8.6' } as const;
  t.deepEqual(nodeSelectorOf(onGpu({ engine })), {
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  });
  const own = { ...engine, image: `registry/builder@sha256:${'a'.repeat(64)}` };
  t.deepEqual(nodeSelectorOf(onGpu({ engine: own, nodeSelector: { pool: 'edge' } })), {
    'kubernetes.io/os': 'linux',
    pool: 'edge',
  });
  t.is(
    findMismatch(aNode('arm', { labels: { 'kubernetes.io/arch': 'arm64' } }), onGpu({ engine }))?.text,
    'label kubernetes.io/arch is arm64, the class selects amd64',
  );
});

test('pods have our ids, those of the object, or none', (t) => {
  const steady = {
    runAsNonRoot: true,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
  t.deepEqual(makePodSecurityContext(), { ...steady, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 });
  t.deepEqual(makePodSecurityContext({ runAsUser: 7, fsGroup: 8 }), {
    ...steady,
    runAsUser: 7,
    runAsGroup: 8,
    fsGroup: 8,
  });
  t.deepEqual(makePodSecurityContext({ idsFrom: 'Platform' }), steady);
});

test('a claim that is only read is read-only at its source and where it is mounted', (t) => {
  const { volumes, mounts } = makeClaimVolumes(['pvc://data/a', 'pvc://exports/b'], ['pvc://exports/c']);
  const claims = volumes.map(({ persistentVolumeClaim }) => persistentVolumeClaim);
  t.deepEqual(claims, [{ claimName: 'data', readOnly: true }, { claimName: 'exports' }]);
  t.deepEqual(
    mounts.map(({ readOnly }) => readOnly),
    [true, false],
  );
});
