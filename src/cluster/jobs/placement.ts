/**
 * The placement of engine pods: selector, affinity and tolerations of the device class, narrowed by its hardware
 * requirements.
 */
import { nodeSelectorOf, tolerationsOf } from '../api/class-pods.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import { hardwareRequirements, type Requirement } from '../api/node-labels.ts';

type NodeAffinity = NonNullable<ExportDeviceClass['spec']['nodeAffinity']>;

/** Fields of the pod spec. */
export const makePlacement = ({ spec }: ExportDeviceClass): Readonly<Record<string, unknown>> => {
  const tolerations = tolerationsOf(spec);
  const nodeAffinity = narrowAffinity(spec.nodeAffinity ?? {}, hardwareRequirements(spec.hardware));
  return {
    nodeSelector: nodeSelectorOf(spec),
    ...(Object.keys(nodeAffinity).length > 0 && { affinity: { nodeAffinity } }),
    ...(tolerations.length > 0 && { tolerations }),
    ...(spec.runtimeClassName && { runtimeClassName: spec.runtimeClassName }),
  };
};

/** Node selector terms are alternatives, so each must include the requirements. */
const narrowAffinity = (affinity: NodeAffinity, requirements: readonly Requirement[]): object => {
  if (requirements.length === 0) return affinity;
  const required = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms ?? [{ matchExpressions: [] }];
  return {
    ...affinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: terms.map((term) => ({
        ...term,
        matchExpressions: [...term.matchExpressions, ...requirements],
      })),
    },
  };
};
