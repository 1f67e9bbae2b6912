/**
 * The ExportDeviceClass controller: observe (caches only) → decide (pure) → write the status if it changed. A node
 * enqueues classes only if it changed in a way that a class can depend on.
 */

import type { Clock } from '../../ground/base/clock.ts';
import type { Log } from '../../ground/observability/log.ts';
import type { ExportDeviceClass, ExportDeviceClassStatus } from '../api/export-device-class.ts';
import { resourceOf } from '../api/group.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Reconcile, ReconcileResult } from '../runtime/controller.ts';
import type { Change } from '../runtime/informer.ts';
import type { WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { writeStatus } from '../runtime/write-status.ts';
import { decide } from './decide.ts';
import type { Membership } from './membership.ts';
import { hasSameFacts, type NodeFacts, nodeBurstMs } from './node.ts';

/** REST resource of ExportDeviceClasses. */
export const deviceClassResource = resourceOf('ExportDeviceClass');

/** The fields of a device class that the cache keeps. */
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

/** What the controller requires. */
export type DeviceClassDeps = {
  readonly client: KubeClient;
  readonly classes: Store<ExportDeviceClass>;
  readonly nodes: Store<NodeFacts>;
  readonly membership: Membership;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the first node of a class appears, or its last node disappears. */
  readonly onAvailability: (name: string) => void;
};

/** The reconcile function and the listeners. */
export type DeviceClassController = {
  readonly reconcile: Reconcile;
  /** Listeners for the two caches. */
  readonly classChanged: (change: Change<ExportDeviceClass>) => void;
  readonly nodeChanged: (change: Change<NodeFacts>) => void;
  /** Adds every class to the queue, with low priority. */
  readonly enqueueAll: () => void;
};

/** A change of the count alone is not urgent, and a flapping node must not cause many writes. */
const countBurstMs = 60_000;

/** Connects the controller to its caches and its queue. */
export const makeDeviceClassController = (deps: DeviceClassDeps): DeviceClassController => ({
  reconcile: (key, signal) => reconcile(deps, key, signal),
  enqueueAll: () => {
    for (const key of deps.classes.keys()) deps.queue.add(key, 'low');
  },
  // Our own status write arrives as a change, too, and then needs no further write.
  classChanged: ({ before, after, initial }) => {
    if (after === undefined) deps.membership.forget(keyOf(before!));
    else deps.queue.add(keyOf(after), initial ? 'low' : 'normal');
  },
  nodeChanged: ({ before, after }) => {
    if (hasSameFacts(before, after)) return;
    for (const { name, availability } of deps.membership.nodeChanged(before, after)) {
      deps.queue.addAfter(name, availability ? nodeBurstMs : countBurstMs);
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
  if (status) {
    await writeStatus(deps.client, { resource: deviceClassResource, owner: deviceClass, status }, signal);
    logStatus(deps.log, deviceClass, status);
  }
  return settled;
};

/** One line per change of a condition. A change of nodes alone is logged at level debug. */
const logStatus = (
  log: Log,
  { kind, metadata, status }: ExportDeviceClass,
  next: ExportDeviceClassStatus,
): void => {
  const about = { kind, name: metadata.name, nodes: next.matchingNodes };
  const before = new Map(status?.conditions?.map((condition) => [condition.type, condition]));
  const changed = (next.conditions ?? []).filter(({ type, status: now, reason }) => {
    const last = before.get(type);
    return last?.status !== now || last.reason !== reason;
  });
  for (const { type, status: now, reason, message } of changed)
    log.info('condition changed', { ...about, condition: type, status: now, reason, detail: message });
  if (changed.length === 0) log.debug('wrote status', about);
};
