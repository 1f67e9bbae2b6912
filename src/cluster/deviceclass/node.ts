/** A node as device classes see it: what can change which engines run on it, and nothing that changes by the minute. */

import { canonicalJson } from '../../ground/base/digest.ts';
import { nodeLabels } from '../api/node-labels.ts';

export type Taint = { readonly key: string; readonly value?: string; readonly effect: string };

export type NodeFacts = {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly taints: readonly Taint[];
  readonly ready: boolean;
  readonly schedulable: boolean;
  /** Extended resources only, such as nvidia.com/gpu: number of devices. */
  readonly devices: Readonly<Record<string, number>>;
};

type RawNode = {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly taints?: readonly Taint[]; readonly unschedulable?: boolean };
  readonly status?: {
    readonly allocatable?: Readonly<Record<string, string>>;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
};

export const nodeResource = { group: '', version: 'v1', plural: 'nodes' } as const;

/** For the cache: a node of 13 kB becomes a few hundred bytes. */
export const projectNode = (raw: unknown): NodeFacts => {
  const { metadata, spec, status } = raw as RawNode;
  const { name, uid, resourceVersion, labels = {} } = metadata;
  const { [nodeLabels.discoveryTime]: _time, ...steady } = labels;
  return {
    metadata: { name, uid, resourceVersion, labels: steady },
    taints: (spec?.taints ?? []).map(({ key, value, effect }) => ({
      key,
      effect,
      ...(value !== undefined && { value }),
    })),
    ready: status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false,
    schedulable: spec?.unschedulable !== true,
    devices: countDevices(status?.allocatable ?? {}),
  };
};

/** Extended resources have a domain that is not Kubernetes's own. */
const countDevices = (allocatable: Readonly<Record<string, string>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(allocatable)
      .filter(([name]) => name.includes('/') && !name.split('/')[0]!.endsWith('kubernetes.io'))
      .map(([name, amount]) => [name, Number(amount)]),
  );

/** Whether two sightings of a node differ in anything that a device class could ask for. */
export const hasSameFacts = (a: NodeFacts | undefined, b: NodeFacts | undefined): boolean =>
  canonicalJson(comparableFacts(a)) === canonicalJson(comparableFacts(b));

const comparableFacts = (node: NodeFacts | undefined): unknown =>
  node && { ...node, metadata: { name: node.metadata.name, labels: node.metadata.labels } };
