/** A device class as the scheduler reads it: its own selector and affinity, narrowed by the hardware that it names. */
import type { ExportDeviceClass } from '../api/export-device-class.ts';

type Requirement = { readonly key: string; readonly operator: string; readonly values: readonly string[] };
type NodeAffinity = NonNullable<ExportDeviceClass['spec']['nodeAffinity']>;

export const placementOf = ({ spec }: ExportDeviceClass): Readonly<Record<string, unknown>> => {
  const nodeAffinity = narrowed(spec.nodeAffinity ?? {}, hardwareRequirements(spec.hardware));
  return {
    ...(spec.nodeSelector && { nodeSelector: spec.nodeSelector }),
    ...(Object.keys(nodeAffinity).length > 0 && { affinity: { nodeAffinity } }),
    ...(spec.tolerations && { tolerations: spec.tolerations }),
    ...(spec.runtimeClassName && { runtimeClassName: spec.runtimeClassName }),
  };
};

/** Labels of GPU feature discovery and of the kubelet. The scheduler's Gt and Lt are strict, our range is inclusive. */
const hardwareRequirements = (hardware: ExportDeviceClass['spec']['hardware']): readonly Requirement[] => {
  const [major, minor] = hardware?.computeCapability?.split('.') ?? [];
  const { min, max } = hardware?.memoryMiB ?? {};
  const one = (key: string, operator: string, value: string | undefined): readonly Requirement[] =>
    value === undefined ? [] : [{ key, operator, values: [value] }];
  return [
    ...one('nvidia.com/gpu.compute.major', 'In', major),
    ...one('nvidia.com/gpu.compute.minor', 'In', minor),
    ...one('kubernetes.io/arch', 'In', hardware?.arch),
    ...one('nvidia.com/gpu.memory', 'Gt', min === undefined ? undefined : String(min - 1)),
    ...one('nvidia.com/gpu.memory', 'Lt', max === undefined ? undefined : String(max + 1)),
    ...(hardware?.products
      ? [{ key: 'nvidia.com/gpu.product', operator: 'In', values: hardware.products }]
      : []),
  ];
};

/** Node selector terms are alternatives, so each of them has to carry the requirements. */
const narrowed = (affinity: NodeAffinity, requirements: readonly Requirement[]): object => {
  if (requirements.length === 0) return affinity;
  const required = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms ?? [{}];
  return {
    ...affinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: terms.map((term) => ({
        ...term,
        matchExpressions: [...(term.matchExpressions ?? []), ...requirements],
      })),
    },
  };
};
