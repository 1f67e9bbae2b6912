/** Which ModelExports a change wakes. A wake-up says only "look again"; what changed is found by looking. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { enqueueChanged } from '../ownedjobs/watches.ts';
import type { Change } from '../runtime/informer.ts';
import type { WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import { modelExportIndexes } from './caches.ts';
import type { ModelExportStores } from './observe.ts';

export type Watches = {
  readonly modelExportChanged: (change: Change<ModelExport>) => void;
  readonly deviceClassChanged: (change: Change<ExportDeviceClass>) => void;
  readonly tensorfileChanged: (change: Change<CalibrationTensorfile>) => void;
  /** A class has got its first node, or lost its last one. */
  readonly availabilityChanged: (deviceClass: string) => void;
};

/** Nodes change in bursts: the exports are looked at once for all of it. */
const nodeBurstMs = 500;

export const makeWatches = (stores: () => ModelExportStores, queue: WorkQueue): Watches => ({
  modelExportChanged: (change) => enqueueChanged(queue, change),
  deviceClassChanged: ({ before, after }) => {
    if (hasSameSpec(before, after)) return; // Its status follows the nodes, and is of no interest here.
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
