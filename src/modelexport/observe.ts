/** The caches → Observed: the only reader of the cluster, and it reads memory. */
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { hardwareOf } from '../deviceclass/hardware.ts';
import { belongs } from '../deviceclass/match.ts';
import type { NodeFacts } from '../deviceclass/node.ts';
import type { Images } from '../jobs/images.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { indexes } from './caches.ts';
import type { JobObject, MountWarningObject, PodObject } from './kube-shapes.ts';
import { observeJob } from './observe-job.ts';
import type { Observed, ObservedClass, ObservedJob } from './observed.ts';

export type Stores = {
  readonly modelExports: Store<ModelExport>;
  readonly deviceClasses: Store<ExportDeviceClass>;
  readonly nodes: Store<NodeFacts>;
  readonly jobs: Store<JobObject>;
  readonly pods: Store<PodObject>;
  readonly mountWarnings: Store<MountWarningObject>;
};

export type ObserveContext = { readonly stores: Stores; readonly images: Images; readonly now: number };

/** Undefined once the object is gone. */
export const observe = (key: Key, { stores, images, now }: ObserveContext): Observed | undefined => {
  const modelExport = stores.modelExports.get(key);
  if (modelExport === undefined) return undefined;
  return {
    modelExport,
    classes: modelExport.spec.deviceClasses.map(({ name }) => observeClass(stores, name)),
    jobs: stores.jobs
      .byIndex(indexes.owner, modelExport.metadata.uid)
      .flatMap((job) => observeOwned(stores, job)),
    images,
    now,
  };
};

const observeClass = ({ deviceClasses, nodes }: Stores, name: string): ObservedClass => {
  const deviceClass = deviceClasses.get(name);
  const matching = deviceClass ? nodes.list().filter((node) => belongs(node, deviceClass.spec)) : [];
  return { name, deviceClass, matchingNodes: matching.length };
};

/** A Job that is being deleted counts as gone: a new one of its name is made as soon as the name is free. */
const observeOwned = ({ nodes, pods, mountWarnings }: Stores, job: JobObject): readonly ObservedJob[] => {
  if (job.metadata.deletionTimestamp) return [];
  const own = pods.byIndex(indexes.job, job.metadata.uid);
  return [
    observeJob(job, {
      pods: own,
      warnings: own.flatMap(({ metadata }) => mountWarnings.byIndex(indexes.pod, metadata.uid)),
      hardwareOf: (name) => {
        const node = nodes.get(name);
        return node && hardwareOf(node);
      },
    }),
  ];
};
