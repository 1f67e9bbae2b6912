/** Nodes with the labels that GPU feature discovery writes. */
import { type NodeFacts, projectNode } from '../../src/cluster/deviceclass/node.ts';

type Labels = Readonly<Record<string, string>>;

export type RawNodeChanges = {
  readonly labels?: Labels;
  readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly unschedulable?: boolean;
  readonly ready?: 'True' | 'False' | 'Unknown';
  readonly allocatable?: Labels;
};

export const aRawNode = (name: string, changes: RawNodeChanges = {}) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    labels: {
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      ...changes.labels,
    },
  },
  spec: {
    ...(changes.taints && { taints: changes.taints }),
    ...(changes.unschedulable && { unschedulable: true }),
  },
  status: {
    allocatable: { cpu: '8', memory: '32Gi', pods: '110', ...changes.allocatable },
    conditions: [{ type: 'Ready', status: changes.ready ?? 'True' }],
  },
});

export const aNode = (name: string, changes: RawNodeChanges = {}): NodeFacts =>
  projectNode(aRawNode(name, changes));

const oneGpu = { 'nvidia.com/gpu': '1' };

export const t4Labels: Labels = {
  'nvidia.com/gpu.product': 'Tesla-T4',
  'nvidia.com/gpu.memory': '15360',
  'nvidia.com/gpu.compute.major': '7',
  'nvidia.com/gpu.compute.minor': '5',
  'nvidia.com/cuda.driver.major': '470',
  'nvidia.com/cuda.driver.minor': '57',
  'nvidia.com/cuda.driver.rev': '02',
  'nvidia.com/gfd.timestamp': '1736000000',
};

export const a10Labels: Labels = {
  'nvidia.com/gpu.product': 'NVIDIA-A10',
  'nvidia.com/gpu.memory': '23028',
  'nvidia.com/gpu.compute.major': '8',
  'nvidia.com/gpu.compute.minor': '6',
  'nvidia.com/cuda.driver-version.full': '580.82.07',
  'nvidia.com/gfd.timestamp': '1736000000',
};

export const a100Labels: Labels = {
  ...a10Labels,
  'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB',
  'nvidia.com/gpu.memory': '40960',
  'nvidia.com/gpu.compute.minor': '0',
};

export const aGpuNode = (name: string, labels: Labels, changes: RawNodeChanges = {}): NodeFacts =>
  aNode(name, { allocatable: oneGpu, ...changes, labels: { ...labels, ...changes.labels } });
