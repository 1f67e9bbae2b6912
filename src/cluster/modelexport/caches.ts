/** The cache of ModelExports: what it keeps of one, and how one is found. */
import { exportGroup, kinds } from '../api/group.ts';
import type { ModelExport } from '../api/model-export.ts';
import { type NamespaceScope, projectOwner } from '../ownedjobs/caches.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import { findTensorfileName } from './tensorfile.ts';

export const modelExportResource = { ...exportGroup, plural: kinds.ModelExport.plural } as const;

/** Index names: each is used where it is declared and where it is read, and nowhere else spelled out. */
export const modelExportIndexes = { deviceClass: 'deviceClass', tensorfile: 'tensorfile' } as const;

export const modelExportCacheOptions = (
  scope: NamespaceScope,
  onChange: (change: Change<ModelExport>) => void,
): InformerOptions<ModelExport> => ({
  ...scope,
  resource: modelExportResource,
  project: (raw) => projectOwner(raw as ModelExport),
  indexes: {
    [modelExportIndexes.deviceClass]: ({ spec }) => spec.deviceClasses.map(({ name }) => name),
    /** By the key of the CalibrationTensorfile. */
    [modelExportIndexes.tensorfile]: (modelExport) => {
      const name = findTensorfileName(modelExport);
      return name === undefined ? [] : [`${modelExport.metadata.namespace}/${name}`];
    },
  },
  onChange,
});
