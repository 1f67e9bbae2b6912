/** Which ModelExports a change wakes. A wake-up says only "look again"; what changed is found by looking. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ModelExport } from '../api/model-export.ts';
import { type NodeFacts, sameFacts } from '../deviceclass/node.ts';
import { wakeItself } from '../ownedjobs/watches.ts';
import type { Change } from '../runtime/informer.ts';
import type { WorkQueue } from '../runtime/queue.ts';
import { keyOf } from '../runtime/resources.ts';
import { indexes } from './caches.ts';
import type { Stores } from './observe.ts';

export type Watches = {
  readonly modelExportChanged: (change: Change<ModelExport>) => void;
  readonly deviceClassChanged: (change: Change<{ readonly metadata: { readonly name: string } }>) => void;
  readonly tensorfileChanged: (change: Change<CalibrationTensorfile>) => void;
  readonly nodeChanged: (change: Change<NodeFacts>) => void;
};

/** Nodes change in bursts: the exports are looked at once for all of it. */
const nodeBurstMs = 500;

export const makeWatches = (stores: () => Stores, queue: WorkQueue): Watches => ({
  modelExportChanged: (change) => wakeItself(queue, change),
  deviceClassChanged: ({ before, after }) => {
    const { name } = (after ?? before)!.metadata;
    for (const user of stores().modelExports.byIndex(indexes.deviceClass, name)) queue.add(keyOf(user));
  },
  tensorfileChanged: ({ before, after }) => {
    const key = keyOf((after ?? before)!);
    for (const user of stores().modelExports.byIndex(indexes.tensorfile, key)) queue.add(keyOf(user));
  },
  nodeChanged: ({ before, after }) => {
    if (sameFacts(before, after)) return;
    for (const key of stores().modelExports.keys()) queue.addAfter(key, nodeBurstMs);
  },
});
