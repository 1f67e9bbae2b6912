/** Node labels that describe hardware: GPU feature discovery's, the GPU operator's and the kubelet's. Never written here. */
import type { ExportDeviceClassSpec } from './export-device-class.ts';

/** Keys of the node labels. */
export const nodeLabels = {
  product: 'nvidia.com/gpu.product',
  /** MiB of one GPU, or of one MIG device. */
  memory: 'nvidia.com/gpu.memory',
  computeMajor: 'nvidia.com/gpu.compute.major',
  computeMinor: 'nvidia.com/gpu.compute.minor',
  driver: 'nvidia.com/cuda.driver-version.full',
  /** Before GPU feature discovery 0.16, the driver's version in three parts. */
  oldDriverParts: [
    'nvidia.com/cuda.driver.major',
    'nvidia.com/cuda.driver.minor',
    'nvidia.com/cuda.driver.rev',
  ],
  driverUpgrade: 'nvidia.com/gpu-driver-upgrade-state',
  /** Changes with every run of GPU feature discovery and carries no information about the hardware. */
  discoveryTime: 'nvidia.com/gfd.timestamp',
  arch: 'kubernetes.io/arch',
  os: 'kubernetes.io/os',
} as const;

/** core/v1 NodeSelectorRequirement. */
export type Requirement = {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values?: readonly string[];
};

type HardwareSpec = ExportDeviceClassSpec['hardware'];

/** `hardware` as requirements of a node selector term. Gt and Lt are strict; the range in the spec is inclusive. */
export const hardwareRequirements = (hardware: HardwareSpec): readonly Requirement[] => [
  ...(hardware?.selectNodesBy === 'NodeSelector' ? [] : discoveredRequirements(hardware)),
  ...requireOne(nodeLabels.arch, 'In', hardware?.arch),
];

/** The requirements on labels of GPU feature discovery. No cluster autoscaler knows them of a node that it could add. */
export const discoveredRequirements = (hardware: HardwareSpec): readonly Requirement[] => {
  const [major, minor] = hardware?.computeCapability?.split('.') ?? [];
  const { min, max } = hardware?.memoryMiB ?? {};
  return [
    ...requireOne(nodeLabels.computeMajor, 'In', major),
    ...requireOne(nodeLabels.computeMinor, 'In', minor),
    ...requireOne(nodeLabels.memory, 'Gt', min === undefined ? undefined : String(min - 1)),
    ...requireOne(nodeLabels.memory, 'Lt', max === undefined ? undefined : String(max + 1)),
    ...(hardware?.products
      ? [{ key: nodeLabels.product, operator: 'In' as const, values: hardware.products }]
      : []),
  ];
};

const requireOne = (
  key: string,
  operator: Requirement['operator'],
  value: string | undefined,
): readonly Requirement[] => (value === undefined ? [] : [{ key, operator, values: [value] }]);
