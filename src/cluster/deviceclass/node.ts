/** The facts of a node that device classes depend on. They exclude what changes every minute. */

import { isSameJson } from '../../ground/base/same-json.ts';
import { findTrue } from '../api/conditions.ts';
import { nodeLabels } from '../api/node-labels.ts';

/** core/v1 Taint. */
export type Taint = { readonly key: string; readonly value?: string; readonly effect: string };

/** A cached node. */
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
  /** Number of devices by extended resource, for example nvidia.com/gpu. */
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

/** Nodes change in bursts (a rollout, a driver upgrade): one reconcile after this time, in milliseconds, covers all of it. */
export const nodeBurstMs = 500;

/** REST resource of nodes. */
export const nodeResource = { group: '', version: 'v1', plural: 'nodes' } as const;

/** The facts of a node for the cache: 13 kB become a few hundred bytes. */
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
    ready: findTrue(status?.conditions, 'Ready') !== undefined,
    schedulable: spec?.unschedulable !== true,
    devices: countDevices(status?.allocatable ?? {}),
  };
};

/** Extended resources have a domain other than kubernetes.io. */
const countDevices = (allocatable: Readonly<Record<string, string>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(allocatable)
      .filter(([name]) => name.includes('/') && !name.split('/')[0]!.endsWith('kubernetes.io'))
      .map(([name, amount]) => [name, Number(amount)]),
  );

/** Whether two versions of a node are equal in everything that a device class can depend on. */
export const hasSameFacts = (a: NodeFacts | undefined, b: NodeFacts | undefined): boolean =>
  isSameJson(comparableFacts(a), comparableFacts(b));

const comparableFacts = (node: NodeFacts | undefined): unknown =>
  node && { ...node, metadata: { name: node.metadata.name, labels: node.metadata.labels } };
