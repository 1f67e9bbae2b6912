/** The status of a device class for different nodes. */
import test from 'ava';
import type { ConditionType } from '../../src/cluster/api/conditions.ts';
import type {
  ExportDeviceClass,
  ExportDeviceClassStatus,
} from '../../src/cluster/api/export-device-class.ts';
import { decide } from '../../src/cluster/deviceclass/decide.ts';
import type { NodeFacts } from '../../src/cluster/deviceclass/node.ts';
import { a10Labels, a100Labels, aGpuNode, aNode } from '../builders/nodes.ts';
import { aDeviceClass } from '../builders/objects.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const ampere = aDeviceClass('ampere', { hardware: { computeCapability: '8.6' } });

const statusOf = (deviceClass: ExportDeviceClass, nodes: readonly NodeFacts[]): ExportDeviceClassStatus =>
  decide({ deviceClass, nodes, now }) ?? deviceClass.status!;

const condition = (status: ExportDeviceClassStatus, type: ConditionType) =>
  status.conditions!.find((candidate) => candidate.type === type)!;

const says = test.macro(
  (
    t,
    deviceClass: ExportDeviceClass,
    nodes: readonly NodeFacts[],
    expected: Partial<Record<ConditionType, string>>,
  ) => {
    const status = statusOf(deviceClass, nodes);
    for (const [type, answer] of Object.entries(expected)) {
      const { status: value, reason } = condition(status, type as ConditionType);
      t.is(`${value} ${reason}`, answer, type);
    }
  },
);

test('a class with a node', says, ampere, [aGpuNode('a', a10Labels)], {
  Ready: 'True Observed',
  Reconciling: 'False Observed',
  Stalled: 'False Observed',
  HardwareAvailable: 'True NodesMatch',
  Ambiguous: 'False NodesAlike',
});
test('a class without a node is Ready, but HardwareAvailable is False', says, ampere, [], {
  Ready: 'True Observed',
  Stalled: 'False Observed',
  HardwareAvailable: 'False NoMatchingNode',
  Ambiguous: 'Unknown NoMatchingNode',
});
test(
  'nodes that differ in hardware set Ambiguous',
  says,
  aDeviceClass('gpu', { resources: { 'nvidia.com/gpu': '1' } }),
  [aGpuNode('a', a10Labels), aGpuNode('b', a100Labels)],
  { HardwareAvailable: 'True NodesMatch', Ambiguous: 'True NodesDiffer' },
);
test(
  'a TensorRT version that is not supported stalls the class',
  says,
  aDeviceClass('t4', { engine: { backend: 'TensorRt', version: '7.2' } }),
  [aNode('a')],
  {
    Ready: 'False EngineUnsupported',
    Stalled: 'True EngineUnsupported',
    Reconciling: 'False EngineUnsupported',
  },
);
test(
  'a compute capability that the backend does not know stalls the class',
  says,
  aDeviceClass('hopper', { engine: { backend: 'TensorRtRtx', computeCapability: '9.0' } }),
  [],
  { Ready: 'False EngineUnsupported', Stalled: 'True EngineUnsupported' },
);

test('values are sorted and unique, regardless of the order of the nodes', (t) => {
  const gpu = aDeviceClass('gpu', { resources: { 'nvidia.com/gpu': '1' } });
  const nodes = [aGpuNode('c', a10Labels), aGpuNode('a', a100Labels), aGpuNode('b', a10Labels)];
  const status = statusOf(gpu, nodes);
  t.like(status, {
    matchingNodes: 3,
    products: ['NVIDIA-A10', 'NVIDIA-A100-SXM4-40GB'],
    computeCapabilities: ['8.0', '8.6'],
    architectures: ['amd64'],
    drivers: ['580.82.07'],
  });
  t.deepEqual(statusOf(gpu, nodes.toReversed()), status);
});

test('unchanged nodes need no write', (t) => {
  const nodes = [aGpuNode('a', a10Labels)];
  const status = statusOf(ampere, nodes);
  t.is(decide({ deviceClass: { ...ampere, status }, nodes, now: now + 60_000 }), undefined);
});

test('a deleted node changes only the conditions that depend on it', (t) => {
  const status = statusOf(ampere, [aGpuNode('a', a10Labels)]);
  const later = decide({ deviceClass: { ...ampere, status }, nodes: [], now: now + 60_000 })!;
  t.is(condition(later, 'Ready').lastTransitionTime, '2026-01-01T00:00:00Z');
  t.is(condition(later, 'HardwareAvailable').lastTransitionTime, '2026-01-01T00:01:00Z');
  t.is(later.matchingNodes, 0);
});

test('the message lists the nearest nodes and their mismatches', (t) => {
  const taints = [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }];
  const status = statusOf(ampere, [aNode('far'), aGpuNode('near', a10Labels, { taints })]);
  t.is(
    condition(status, 'HardwareAvailable').message,
    "no ready node matches the class; nearest: near: taint nvidia.com/gpu:NoSchedule is not in the class's tolerations",
  );
});

const messageOfPending = (changes: Parameters<typeof aDeviceClass>[1]): string => {
  const pending = aDeviceClass('t4', { ...changes, allowPending: true });
  return condition(statusOf(pending, []), 'HardwareAvailable').message;
};

test('a class that waits for an autoscaler names the labels that hold it back, and what to do', (t) => {
  const hardware = { computeCapability: '7.5', arch: 'amd64' } as const;
  const engine = { backend: 'TensorRt', version: '10.3', image: 'i' } as const;
  t.is(
    messageOfPending({ engine, hardware }),
    'no ready node matches the class; Jobs are created anyway (allowPending), but a cluster autoscaler that cannot know the label nvidia.com/gpu.compute.major of a new node adds none: set hardware.selectNodesBy to NodeSelector, and choose the nodes by nodeSelector',
  );
  t.regex(
    messageOfPending({ hardware }),
    /: remove computeCapability, products and memoryMiB of hardware, and choose the nodes by nodeSelector$/,
  );
  const created = 'no ready node matches the class; Jobs are created anyway (allowPending)';
  t.is(messageOfPending({ engine, hardware: { ...hardware, selectNodesBy: 'NodeSelector' } }), created);
  t.is(messageOfPending({ hardware: { arch: 'arm64' } }), created);
});

test('five hundred kinds of nodes fit into the lists and the size limit of status', (t) => {
  const all = Array.from({ length: 500 }, (_, index) =>
    aGpuNode(`node-${index}`, {
      ...a10Labels,
      'nvidia.com/gpu.product': `NVIDIA-GPU-${index}-${'x'.repeat(40)}`,
    }),
  );
  const status = statusOf(aDeviceClass('all'), all);
  t.is(status.matchingNodes, 500);
  t.is(status.products!.length, 32);
  t.true(JSON.stringify(status).length < 8192);
});
