/**
 * Makes the status of a device class from the nodes. Pure: the same nodes give the same status, including the order of
 * lists.
 */

import { isSameJson } from '../../ground/base/same-json.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import { makeEngineRequest, planEngine } from '../../ground/plans/engine-plan.ts';
import { setConditions, type WantedCondition } from '../api/conditions.ts';
import { readEngineSettings } from '../api/engine-settings.ts';
import type {
  ExportDeviceClass,
  ExportDeviceClassSpec,
  ExportDeviceClassStatus,
} from '../api/export-device-class.ts';
import { discoveredRequirements } from '../api/node-labels.ts';
import { type Hardware, hardwareOf } from './hardware.ts';
import { findMismatch, type Mismatch } from './match.ts';
import type { NodeFacts } from './node.ts';

/** A device class and all nodes. */
export type ObservedDeviceClass = {
  readonly deviceClass: ExportDeviceClass;
  readonly nodes: readonly NodeFacts[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The status to write, or undefined if it did not change. */
export const decide = (observed: ObservedDeviceClass): ExportDeviceClassStatus | undefined => {
  const next = makeStatus(observed);
  return isSameJson(next, observed.deviceClass.status) ? undefined : next;
};

/** Maximum length of the lists in the schema. */
const listLimit = 32;

const makeStatus = ({ deviceClass, nodes, now }: ObservedDeviceClass): ExportDeviceClassStatus => {
  const { spec, status, metadata } = deviceClass;
  const mismatches = new Map(nodes.map((node) => [node, findMismatch(node, spec)]));
  const members = nodes.filter((node) => mismatches.get(node) === undefined).map(hardwareOf);
  const values = (field: keyof Hardware): string[] =>
    [...new Set(members.flatMap((hardware) => hardware[field] ?? []))].sort().slice(0, listLimit);
  const found = {
    products: values('product'),
    computeCapabilities: values('computeCapability'),
    architectures: values('arch'),
    drivers: values('driver'),
  };
  const near = [...mismatches.values()].filter((mismatch) => mismatch !== undefined);
  const wanted = [
    ...makeReadyConditions(spec),
    makeAvailability(members.length, near, spec),
    makeAmbiguity(found, members.length),
  ];
  return {
    observedGeneration: metadata.generation,
    conditions: setConditions(status?.conditions, wanted, { now, generation: metadata.generation }),
    matchingNodes: members.length,
    ...found,
  };
};

/** A class without nodes is Ready, because nodes come and go. Only a cause that no node can remove sets Stalled. */
const makeReadyConditions = (spec: ExportDeviceClassSpec): readonly WantedCondition[] => {
  const blocked = findBlocker(spec);
  const { reason, message } = blocked ?? {
    reason: 'Observed' as const,
    message: `${spec.engine.backend} can build engines for this class`,
  };
  return [
    { type: 'Ready', status: blocked ? 'False' : 'True', reason, message },
    { type: 'Reconciling', status: 'False', reason, message },
    { type: 'Stalled', status: blocked ? 'True' : 'False', reason, message },
  ];
};

const findBlocker = (spec: ExportDeviceClassSpec) => {
  const { refused } = planEngine(makeEngineRequest({ ...leastEngine, ...classEngine(spec) }));
  return refused && ({ reason: 'EngineUnsupported', message: nameFields(refused.message, 'spec') } as const);
};

const classEngine = (spec: ExportDeviceClassSpec) => ({
  backend: spec.engine.backend,
  settings: readEngineSettings(spec, false),
});

/** An fp16 engine, which every supported device can run. */
const leastEngine = { dataType: 'fp16', maxBatchSize: 1, maxWorkspaceSizeBytes: 1 } as const;

const makeAvailability = (
  members: number,
  near: readonly Mismatch[],
  spec: ExportDeviceClassSpec,
): WantedCondition => {
  if (members > 0) {
    const message =
      members === 1 ? '1 ready node matches the class' : `${members} ready nodes match the class`;
    return { type: 'HardwareAvailable', status: 'True', reason: 'NodesMatch', message };
  }
  const message = `no ready node matches the class${describePending(spec)}${describeNearest(near)}`;
  return { type: 'HardwareAvailable', status: 'False', reason: 'NoMatchingNode', message };
};

/** A cluster autoscaler compares a pending pod with labels that it knows of a node to come: not those of GPU discovery. */
const describePending = ({ allowPending, hardware, engine }: ExportDeviceClassSpec): string => {
  if (!allowPending) return '';
  const created = '; Jobs are created anyway (allowPending)';
  const [discovered] = hardware?.selectNodesBy === 'NodeSelector' ? [] : discoveredRequirements(hardware);
  if (discovered === undefined) return created;
  const how =
    engine.backend === 'TensorRt'
      ? 'set hardware.selectNodesBy to NodeSelector'
      : 'remove computeCapability, products and memoryMiB of hardware';
  return `${created}, but a cluster autoscaler that cannot know the label ${discovered.key} of a new node adds none: ${how}, and choose the nodes by nodeSelector`;
};

/** Up to three of the nodes with the fewest mismatches, with the first mismatch of each. */
const describeNearest = (mismatches: readonly Mismatch[]): string => {
  const best = Math.max(...mismatches.map(({ nearness }) => nearness));
  const named = mismatches
    .filter(({ nearness }) => nearness === best)
    .sort((a, b) => (a.node < b.node ? -1 : 1))
    .slice(0, 3);
  return named.length === 0
    ? ''
    : `; nearest: ${named.map(({ node, text }) => `${node}: ${text}`).join('; ')}`;
};

type HardwareValues = Readonly<
  Record<'products' | 'computeCapabilities' | 'architectures' | 'drivers', string[]>
>;

const makeAmbiguity = (found: HardwareValues, members: number): WantedCondition => {
  const several = ([found.architectures, found.computeCapabilities, found.products] as const).find(
    (values) => values.length > 1,
  );
  if (several) {
    const message = `nodes of the class differ (${several.join(', ')}): narrow hardware or nodeSelector, or split the class`;
    return { type: 'Ambiguous', status: 'True', reason: 'NodesDiffer', message };
  }
  const message = members === 0 ? 'no node to compare' : 'the nodes of the class have the same hardware';
  return {
    type: 'Ambiguous',
    status: members === 0 ? 'Unknown' : 'False',
    reason: members === 0 ? 'NoMatchingNode' : 'NodesAlike',
    message,
  };
};
