/** The state of all objects for metrics, read from the caches at each scrape. */

import type { EngineCount, ObjectState, StateSource } from '../../ground/observability/export-metrics.ts';
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import { findCondition } from '../api/conditions.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';

type Listed<T> = { readonly list: () => readonly T[] };
/** The caches that metrics are computed from. */
export type StateStores = {
  readonly modelExports: Listed<ModelExport>;
  readonly tensorfiles: Listed<CalibrationTensorfile>;
  readonly deviceClasses: Listed<ExportDeviceClass>;
  /** Number of ready nodes of a class, by its name. */
  readonly countNodes: (deviceClass: string) => number;
};

/** The state of all cached objects, computed when it is read. */
export const makeStateSource = (stores: StateStores): StateSource => ({
  objects: () => [
    ...stores.modelExports.list().map(describeObject),
    ...stores.tensorfiles.list().map(describeObject),
  ],
  engines: () => countEngines(stores.modelExports.list()),
  classes: () =>
    stores.deviceClasses.list().map(({ metadata: { name }, spec }) => ({
      deviceClass: name,
      backend: spec.engine.backend,
      nodes: stores.countNodes(name),
    })),
});

const describeObject = ({ kind, metadata, status }: ModelExport | CalibrationTensorfile): ObjectState => ({
  kind,
  namespace: metadata.namespace,
  name: metadata.name,
  conditions: status?.conditions ?? [],
});

const countEngines = (exports: readonly ModelExport[]): readonly EngineCount[] => {
  const counts = new Map<string, EngineCount>();
  for (const { deviceClass, conditions } of exports.flatMap(({ status }) => status?.engines ?? [])) {
    const reason = findCondition(conditions, 'Built')?.reason ?? 'Unseen';
    const key = `${deviceClass}/${reason}`;
    counts.set(key, { deviceClass, reason, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
};
