import test from 'ava';
import { hardwareOf } from '../../src/cluster/deviceclass/hardware.ts';
import { hasSameFacts } from '../../src/cluster/deviceclass/node.ts';
import { a10Labels, a100Labels, aGpuNode, aNode, t4Labels } from '../builders/nodes.ts';

test('hardware is read from current labels', (t) => {
  t.deepEqual(hardwareOf(aGpuNode('n', a10Labels)), {
    node: 'n',
    product: 'NVIDIA-A10',
    computeCapability: '8.6',
    driver: '580.82.07',
    arch: 'amd64',
  });
});

test('the driver is read from old labels', (t) => {
  t.is(hardwareOf(aGpuNode('n', t4Labels)).driver, '470.57.02');
});

test('the MIG profile is read from the product', (t) => {
  const labels = { ...a100Labels, 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb' };
  t.is(hardwareOf(aGpuNode('n', labels)).migProfile, '1g.5gb');
});

test('facts without a label are left out', (t) => {
  t.deepEqual(hardwareOf(aNode('n')), { node: 'n', arch: 'amd64' });
});

const differs = test.macro((t, changes: Parameters<typeof aNode>[1], expected: boolean) => {
  t.is(!hasSameFacts(aNode('n', { labels: a10Labels }), aNode('n', changes)), expected);
});

test(
  'a new discovery time is not a change',
  differs,
  { labels: { ...a10Labels, 'nvidia.com/gfd.timestamp': '1' } },
  false,
);
test(
  'a new driver is a change',
  differs,
  { labels: { ...a10Labels, 'nvidia.com/cuda.driver-version.full': '590.1' } },
  true,
);
test(
  'a taint is a change',
  differs,
  { labels: a10Labels, taints: [{ key: 'a', effect: 'NoSchedule' }] },
  true,
);
test('a lost node is a change', differs, { labels: a10Labels, ready: 'Unknown' }, true);
test(
  'a new device is a change',
  differs,
  { labels: a10Labels, allocatable: { 'nvidia.com/gpu': '1' } },
  true,
);
test(
  'reserved memory is not a change',
  differs,
  { labels: a10Labels, allocatable: { memory: '31Gi' } },
  false,
);
