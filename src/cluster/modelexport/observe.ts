/** Observes one ModelExport. Sends no request. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { hardwareOf } from '../deviceclass/hardware.ts';
import type { Membership } from '../deviceclass/membership.ts';
import type { NodeFacts } from '../deviceclass/node.ts';
import type { JobStores } from '../ownedjobs/caches.ts';
import { observeOwned } from '../ownedjobs/observe-owned.ts';
import type { ObserveContext } from '../ownedjobs/reconciler.ts';
import { makeTwinLookup } from '../ownedjobs/twins.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import type { ObservedClass, ObservedExport } from './observed.ts';
import { findTensorfileName } from './tensorfile.ts';

/** The caches that the controller reads. */
export type ModelExportStores = JobStores & {
  readonly modelExports: Store<ModelExport>;
  readonly tensorfiles: Store<CalibrationTensorfile>;
  readonly deviceClasses: Store<ExportDeviceClass>;
  readonly nodes: Store<NodeFacts>;
  readonly membership: Membership;
};

/**
 * Everything that a decision reads.
 * @returns undefined if the object is deleted
 */
export const observe = (key: Key, context: ObserveContext<ModelExportStores>): ObservedExport | undefined => {
  const { stores, images, now, warningsAbout, freshPods, reportOf, findRefusal, findClaim } = context;
  const modelExport = stores.modelExports.get(key);
  if (modelExport === undefined) return undefined;
  const tensorfile = findTensorfileName(modelExport);
  return {
    modelExport,
    tensorfile:
      tensorfile === undefined
        ? undefined
        : stores.tensorfiles.get(`${modelExport.metadata.namespace}/${tensorfile}`),
    classes: modelExport.spec.deviceClasses.map(({ name }) => observeClass(stores, name)),
    jobs: observeOwned(stores, modelExport, {
      warningsAbout,
      freshPods,
      reportOf,
      isLost: (name) => stores.nodes.get(name)?.ready === false,
      hardwareOf: (name) => {
        const node = stores.nodes.get(name);
        return node && hardwareOf(node);
      },
    }),
    images,
    now,
    obstacles: { findRefusal, findClaim, findTwin: makeTwinLookup(stores, modelExport) },
  };
};

const observeClass = ({ deviceClasses, membership }: ModelExportStores, name: string): ObservedClass => ({
  name,
  deviceClass: deviceClasses.get(name),
  matchingNodes: membership.count(name),
  listNodes: () => membership.list(name),
});
