/** Which nodes match a class, with label sets of real clusters. */
import test from 'ava';
import type { ExportDeviceClassSpec } from '../../src/cluster/api/export-device-class.ts';
import { findMismatch } from '../../src/cluster/deviceclass/match.ts';
import type { NodeFacts } from '../../src/cluster/deviceclass/node.ts';
import { a10Labels, a100Labels, aGpuNode, aNode, t4Labels } from '../builders/nodes.ts';

const aClassSpec = (changes: Partial<ExportDeviceClassSpec>): ExportDeviceClassSpec => ({
  engine: { backend: 'OnnxRuntime' },
  allowPending: false,
  ...changes,
});

const takes = test.macro((t, spec: Partial<ExportDeviceClassSpec>, node: NodeFacts) => {
  t.is(findMismatch(node, aClassSpec(spec)), undefined);
});

const leaves = test.macro((t, spec: Partial<ExportDeviceClassSpec>, node: NodeFacts, why: string) => {
  t.is(findMismatch(node, aClassSpec(spec))?.text, why);
});

const a10 = aGpuNode('a10', a10Labels);
const a100 = aGpuNode('a100', a100Labels);
const t4 = aGpuNode('t4', t4Labels);
const cpu = aNode('cpu');
const taint = { key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' };
const tainted = aGpuNode('tainted', a10Labels, { taints: [taint] });
const oneGpu = { resources: { 'nvidia.com/gpu': '1' } };

test('a class without requirements matches any ready node', takes, {}, cpu);
test('a compute capability matches its GPU', takes, { hardware: { computeCapability: '8.6' } }, a10);
test(
  'major and minor compute capability must match',
  leaves,
  { hardware: { computeCapability: '8.6' } },
  a100,
  'label nvidia.com/gpu.compute.minor is 0, the class requires In 6',
);
test(
  'a node without GPU labels does not match',
  leaves,
  { hardware: { computeCapability: '8.6' } },
  cpu,
  'label nvidia.com/gpu.compute.major is absent, the class requires In 8',
);
const products = ['Orin'];
const provenByBuild = {
  computeCapability: '8.7',
  products,
  arch: 'arm64',
  selectNodesBy: 'NodeSelector',
} as const;
const jetson = aNode('orin', { labels: { 'kubernetes.io/arch': 'arm64' } });
test('a Jetson has no labels of GPU feature discovery', takes, { hardware: provenByBuild }, jetson);
test(
  'its architecture is a label that every node has',
  leaves,
  { hardware: provenByBuild },
  cpu,
  'label kubernetes.io/arch is amd64, the class requires In arm64',
);
test(
  'products are compared exactly: A10 is not A100',
  leaves,
  { hardware: { products: ['NVIDIA-A10'] } },
  a100,
  'label nvidia.com/gpu.product is NVIDIA-A100-SXM4-40GB, the class requires In NVIDIA-A10',
);
test('one of several products is enough', takes, { hardware: { products: ['Tesla-T4', 'NVIDIA-A10'] } }, a10);
test('a memory range is inclusive', takes, { hardware: { memoryMiB: { min: 23028, max: 23028 } } }, a10);
test(
  'a node with too little memory does not match',
  leaves,
  { hardware: { memoryMiB: { min: 16000 } } },
  t4,
  'label nvidia.com/gpu.memory is 15360, the class requires Gt 15999',
);
test(
  'a node with unknown memory does not match',
  leaves,
  { hardware: { memoryMiB: { max: 16000 } } },
  cpu,
  'label nvidia.com/gpu.memory is absent, the class requires Lt 16001',
);
test(
  'another architecture',
  leaves,
  { hardware: { arch: 'arm64' } },
  cpu,
  'label kubernetes.io/arch is amd64, the class requires In arm64',
);
test(
  'a node with the selected labels matches',
  takes,
  { nodeSelector: { accelerator: 'orin' } },
  aNode('orin', { labels: { accelerator: 'orin' } }),
);
test(
  'a node without the selected labels does not match',
  leaves,
  { nodeSelector: { accelerator: 'orin' } },
  cpu,
  'label accelerator is absent, the class selects orin',
);
test('a node with the device matches', takes, oneGpu, a10);
test(
  'a node without the device does not match',
  leaves,
  oneGpu,
  cpu,
  'has 0 of nvidia.com/gpu, the class requests 1',
);
test(
  'a MIG device is requested by its own name',
  takes,
  { resources: { 'nvidia.com/mig-1g.5gb': '1' } },
  aGpuNode('mig', a100Labels, { allocatable: { 'nvidia.com/mig-1g.5gb': '7' } }),
);
test(
  'an invalid MIG configuration counts as no hardware',
  leaves,
  oneGpu,
  aGpuNode('mig', { ...a100Labels, 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB-MIG-INVALID' }),
  'its MIG configuration is invalid',
);
test(
  'a node whose driver is being upgraded does not match',
  leaves,
  oneGpu,
  aGpuNode('upgrading', { ...a10Labels, 'nvidia.com/gpu-driver-upgrade-state': 'drain-required' }),
  'its driver is being upgraded (drain-required)',
);
test(
  'a node whose driver was upgraded matches',
  takes,
  oneGpu,
  aGpuNode('upgraded', { ...a10Labels, 'nvidia.com/gpu-driver-upgrade-state': 'upgrade-done' }),
);
test(
  'a taint without a toleration',
  leaves,
  {},
  tainted,
  "taint nvidia.com/gpu=present:NoSchedule is not in the class's tolerations",
);
test(
  'a toleration by Exists ignores the value',
  takes,
  { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }] },
  tainted,
);
test('a toleration by value', takes, { tolerations: [{ key: 'nvidia.com/gpu', value: 'present' }] }, tainted);
test(
  'a toleration of another value',
  leaves,
  { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Equal', value: 'true' }] },
  tainted,
  "taint nvidia.com/gpu=present:NoSchedule is not in the class's tolerations",
);
test('a toleration of all taints', takes, { tolerations: [{ operator: 'Exists' }] }, tainted);
test(
  'the effect PreferNoSchedule is ignored',
  takes,
  {},
  aNode('soft', { taints: [{ key: 'a', effect: 'PreferNoSchedule' }] }),
);
test('a cordoned node', leaves, {}, aNode('cordoned', { unschedulable: true }), 'is cordoned');
test('a node that is not ready', leaves, {}, aNode('lost', { ready: 'Unknown' }), 'is not ready');

type Expressions = readonly {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  values?: string[];
}[];
const affinity = (...terms: readonly Expressions[]): Partial<ExportDeviceClassSpec> => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: terms.map((matchExpressions) => ({ matchExpressions: [...matchExpressions] })),
    },
  },
});

test(
  'terms of an affinity are alternatives',
  takes,
  affinity(
    [{ key: 'x', operator: 'Exists' }],
    [{ key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] }],
  ),
  cpu,
);
test(
  'all expressions of a term must match',
  leaves,
  affinity([
    { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] },
    { key: 'x', operator: 'Exists' },
  ]),
  cpu,
  'matches no term of nodeAffinity',
);
test(
  'NotIn matches a node without the label',
  takes,
  affinity([{ key: 'x', operator: 'NotIn', values: ['1'] }]),
  cpu,
);
test('DoesNotExist', takes, affinity([{ key: 'x', operator: 'DoesNotExist' }]), cpu);
test(
  'Gt compares as numbers, not as text',
  takes,
  affinity([{ key: 'nvidia.com/gpu.memory', operator: 'Gt', values: ['9000'] }]),
  t4,
);
test(
  'Gt does not match a label that is not a number',
  leaves,
  affinity([{ key: 'nvidia.com/gpu.product', operator: 'Gt', values: ['1'] }]),
  t4,
  'matches no term of nodeAffinity',
);
