/**
 * The device class controller: observe (caches only) → decide (pure) → apply (one status write, only on a change).
 * A node wakes the classes only if something changed that a class could ask for.
 */

import type { Clock } from '../../ground/base/clock.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import { exportGroup, kinds } from '../api/group.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Reconcile, ReconcileResult } from '../runtime/controller.ts';
import type { Change } from '../runtime/informer.ts';
import type { WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { writeStatus } from '../runtime/write-status.ts';
import { decide } from './decide.ts';
import type { Membership } from './membership.ts';
import { hasSameFacts, type NodeFacts } from './node.ts';

export const deviceClassResource = {
  group: exportGroup.group,
  version: exportGroup.version,
  plural: kinds.ExportDeviceClass.plural,
} as const;

/** What the cache keeps of a device class. */
export const projectDeviceClass = (raw: unknown): ExportDeviceClass => {
  const { apiVersion, metadata, spec, status } = raw as ExportDeviceClass;
  const { name, uid, resourceVersion, generation, deletionTimestamp } = metadata;
  return {
    apiVersion,
    kind: 'ExportDeviceClass',
    metadata: { name, uid, resourceVersion, generation, ...(deletionTimestamp && { deletionTimestamp }) },
    spec,
    ...(status && { status }),
  };
};

export type DeviceClassDeps = {
  readonly client: KubeClient;
  readonly classes: Store<ExportDeviceClass>;
  readonly nodes: Store<NodeFacts>;
  readonly membership: Membership;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  /** Called when a class has got its first node, or lost its last one. */
  readonly onAvailability: (name: string) => void;
};

export type DeviceClassController = {
  readonly reconcile: Reconcile;
  /** For the informers of the two resources. */
  readonly classChanged: (change: Change<ExportDeviceClass>) => void;
  readonly nodeChanged: (change: Change<NodeFacts>) => void;
  /** Puts every class into the queue, with low priority. */
  readonly enqueueAll: () => void;
};

/** Nodes change in bursts (a rollout, a driver upgrade): the class is looked at once for all of it. */
const availabilityBurstMs = 500;
/** One node more or less is news, but not urgent, and a node that flaps should not be written twice a second. */
const countBurstMs = 10_000;

export const makeDeviceClassController = (deps: DeviceClassDeps): DeviceClassController => ({
  reconcile: (key, signal) => reconcile(deps, key, signal),
  enqueueAll: () => {
    for (const key of deps.classes.keys()) deps.queue.add(key, 'low');
  },
  // Our own write comes back as a change and is found to need nothing; a write by another is corrected.
  classChanged: ({ before, after, initial }) => {
    if (after === undefined) deps.membership.forget(keyOf(before!));
    else deps.queue.add(keyOf(after), initial ? 'low' : 'normal');
  },
  nodeChanged: ({ before, after }) => {
    if (hasSameFacts(before, after)) return;
    for (const { name, availability } of deps.membership.nodeChanged(before, after)) {
      deps.queue.addAfter(name, availability ? availabilityBurstMs : countBurstMs);
      if (availability) deps.onAvailability(name);
    }
  },
});

const settled: ReconcileResult = { requeueAfterMs: undefined };

const reconcile = async (
  deps: DeviceClassDeps,
  key: string,
  signal: AbortSignal,
): Promise<ReconcileResult> => {
  const deviceClass = deps.classes.get(key);
  if (deviceClass === undefined || deviceClass.metadata.deletionTimestamp) return settled;
  const status = decide({ deviceClass, nodes: deps.nodes.list(), now: deps.clock.now() });
  if (status)
    await writeStatus(deps.client, { resource: deviceClassResource, owner: deviceClass, status }, signal);
  return settled;
};
