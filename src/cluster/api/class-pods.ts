/** What a pod of a device class asks of its node: the same answer for its manifest and for matching nodes to the class. */
import { backends } from '../../ground/contract/backends.ts';
import type { ExportDeviceClassSpec } from './export-device-class.ts';
import { nodeLabels } from './node-labels.ts';

const gpu = 'nvidia.com/gpu';

/** A whole GPU under any name that an administrator gives it, or a slice of one: the class says itself what it takes. */
const isGpu = (resource: string): boolean => resource.startsWith('nvidia.com/') || resource.includes('gpu');

/** Extended resources, as limits. A backend that builds on a GPU gets one, unless the class names its own. */
export const devicesOf = ({ engine, resources = {} }: ExportDeviceClassSpec): Devices => {
  const named = Object.fromEntries(Object.entries(resources).map(([name, amount]) => [name, String(amount)]));
  const isImplicit = backends[engine.backend].needsGpu && !Object.keys(named).some(isGpu);
  return isImplicit ? { [gpu]: '1', ...named } : named;
};

type Devices = Readonly<Record<string, string>>;

type Toleration = NonNullable<ExportDeviceClassSpec['tolerations']>[number];

/** GPU nodes carry this taint by convention (the GPU operator, GKE, EKS), so that other pods stay away. */
const gpuToleration: Toleration = { key: gpu, operator: 'Exists' };

export const tolerationsOf = (spec: ExportDeviceClassSpec): readonly Toleration[] => {
  const { tolerations = [] } = spec;
  return Object.keys(devicesOf(spec)).some(isGpu) ? [...tolerations, gpuToleration] : tolerations;
};

/** The images that are ours: all are of Linux, and NVIDIA's TensorRT for RTX in them is of x86-64. */
export const nodeSelectorOf = ({ engine, nodeSelector }: ExportDeviceClassSpec): Devices => ({
  [nodeLabels.os]: 'linux',
  ...(engine.backend === 'TensorRtRtx' && engine.image === undefined && { [nodeLabels.arch]: 'amd64' }),
  ...nodeSelector,
});
