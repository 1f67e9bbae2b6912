/** Which ModelExports a change enqueues. A key means only that something may have changed. */

import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { nodeBurstMs } from '../deviceclass/node.ts';
import { enqueueChanged } from '../ownedjobs/watches.ts';
import type { Change } from '../runtime/informer.ts';
import type { WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import { modelExportIndexes } from './caches.ts';
import type { ModelExportStores } from './observe.ts';

/** Listeners for the caches. */
export type Watches = {
  readonly modelExportChanged: (change: Change<ModelExport>) => void;
  readonly deviceClassChanged: (change: Change<ExportDeviceClass>) => void;
  readonly tensorfileChanged: (change: Change<CalibrationTensorfile>) => void;
  /** The first node of a class appeared, or its last node disappeared. */
  readonly availabilityChanged: (deviceClass: string) => void;
};

/**
 * The listeners.
 * @param stores called at the time of a change, because the caches are created with these listeners
 */
export const makeWatches = (stores: () => ModelExportStores, queue: WorkQueue): Watches => ({
  modelExportChanged: (change) => enqueueChanged(queue, change),
  deviceClassChanged: ({ before, after }) => {
    if (hasSameSpec(before, after)) return; // Only the status changed.
    const { name } = (after ?? before)!.metadata;
    for (const user of stores().modelExports.byIndex(modelExportIndexes.deviceClass, name))
      queue.add(keyOf(user));
  },
  tensorfileChanged: ({ before, after }) => {
    const key = keyOf((after ?? before)!);
    for (const user of stores().modelExports.byIndex(modelExportIndexes.tensorfile, key))
      queue.add(keyOf(user));
  },
  availabilityChanged: (name) => {
    for (const user of stores().modelExports.byIndex(modelExportIndexes.deviceClass, name))
      queue.addAfter(keyOf(user), nodeBurstMs);
  },
});

const hasSameSpec = (a: ExportDeviceClass | undefined, b: ExportDeviceClass | undefined): boolean =>
  a?.metadata.uid === b?.metadata.uid && a?.metadata.generation === b?.metadata.generation;
