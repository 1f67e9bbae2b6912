/** Informer options for ModelExports, with their indexes. */
import { resourceOf } from '../api/group.ts';
import type { ModelExport } from '../api/model-export.ts';
import { type NamespaceScope, projectOwner } from '../ownedjobs/caches.ts';
import { findWaiting, waitingIndex } from '../ownedjobs/waiting.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import { findTensorfileName } from './tensorfile.ts';

/** REST resource of ModelExports. */
export const modelExportResource = resourceOf('ModelExport');

/** Names of the indexes: by device class, and by the key of a CalibrationTensorfile. */
export const modelExportIndexes = { deviceClass: 'deviceClass', tensorfile: 'tensorfile' } as const;

/** Informer options for ModelExports. */
export const modelExportCacheOptions = (
  scope: NamespaceScope,
  onChange: (change: Change<ModelExport>) => void,
): InformerOptions<ModelExport> => ({
  ...scope,
  resource: modelExportResource,
  project: (raw, cached) => projectOwner(raw as ModelExport, cached),
  indexes: {
    [modelExportIndexes.deviceClass]: ({ spec }) => spec.deviceClasses.map(({ name }) => name),
    [modelExportIndexes.tensorfile]: (modelExport) => {
      const name = findTensorfileName(modelExport);
      return name === undefined ? [] : [`${modelExport.metadata.namespace}/${name}`];
    },
    [waitingIndex]: findWaiting,
  },
  onChange,
});
