/** What a pod of a device class requires of its node, in one place for pod manifests and for matching nodes. */
import { canonicalJson } from '../../ground/base/digest.ts';
import { parseQuantity } from '../../ground/base/quantity.ts';
import { backends } from '../../ground/contract/backends.ts';
import type { ExportDeviceClassSpec } from './export-device-class.ts';
import { nodeLabels } from './node-labels.ts';

const gpu = 'nvidia.com/gpu';

/** Administrators can rename GPU resources (time slicing, MIG), so any resource that names a GPU counts. */
const isGpu = (resource: string): boolean => resource.startsWith('nvidia.com/') || resource.includes('gpu');

/**
 * Extended resources that an engine pod requests, as limits. A backend that builds on a GPU gets one unless the class
 * names its own.
 */
export const devicesOf = ({ engine, resources = {} }: ExportDeviceClassSpec): Devices => {
  const named = Object.fromEntries(Object.entries(resources).map(([name, amount]) => [name, String(amount)]));
  const isImplicit = backends[engine.backend].needsGpu && !Object.keys(named).some(isGpu);
  return isImplicit ? { [gpu]: '1', ...named } : named;
};

/** GPUs, or parts of them, that a pod of the class requests. */
export const countGpus = (spec: ExportDeviceClassSpec): number =>
  Object.entries(amountsOf(devicesOf(spec)))
    .filter(([name]) => isGpu(name))
    .reduce((sum, [, amount]) => sum + amount, 0);

/**
 * The extended resources of the class as numbers: "1", 1 and 1000m are equal, and 0 is left out.
 * @returns undefined if the result equals what the backend gets without the class
 */
export const namedAmounts = (spec: ExportDeviceClassSpec): Readonly<Record<string, number>> | undefined => {
  const implicit = canonicalJson(amountsOf(devicesOf({ ...spec, resources: {} })));
  const amounts = amountsOf(devicesOf(spec));
  return canonicalJson(amounts) === implicit ? undefined : amounts;
};

const amountsOf = (devices: Devices): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(devices)
      .map(([name, amount]) => [name, parseQuantity(amount)] as const)
      .filter(([, amount]) => amount > 0),
  );

type Devices = Readonly<Record<string, string>>;

type Toleration = NonNullable<ExportDeviceClassSpec['tolerations']>[number];

/** GPU nodes carry this taint by convention (the GPU operator, GKE, EKS), so that other pods stay away. */
const gpuToleration: Toleration = { key: gpu, operator: 'Exists' };

/** The class's tolerations, and the one for GPU nodes where the pod requests a GPU. */
export const tolerationsOf = (spec: ExportDeviceClassSpec): readonly Toleration[] => {
  const { tolerations = [] } = spec;
  return Object.keys(devicesOf(spec)).some(isGpu) ? [...tolerations, gpuToleration] : tolerations;
};

/** The class's node selector, narrowed to what our images run on: Linux, and x86-64 for TensorRT for RTX. */
export const nodeSelectorOf = ({ engine, nodeSelector }: ExportDeviceClassSpec): Devices => ({
  [nodeLabels.os]: 'linux',
  ...(engine.backend === 'TensorRtRtx' && engine.image === undefined && { [nodeLabels.arch]: 'amd64' }),
  ...nodeSelector,
});
