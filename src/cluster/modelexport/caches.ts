/** The cache of ModelExports: what it keeps of one, and how one is found. */
import { exportGroup, kinds } from '../api/group.ts';
import type { ModelExport } from '../api/model-export.ts';
import { projectOwner, type Scope } from '../ownedjobs/caches.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import { tensorfileName } from './tensorfile.ts';

export const modelExportResource = { ...exportGroup, plural: kinds.ModelExport.plural } as const;

/** Index names: each is used where it is declared and where it is read, and nowhere else spelled out. */
export const indexes = { deviceClass: 'deviceClass', tensorfile: 'tensorfile' } as const;

export const modelExportCache = (
  scope: Scope,
  onChange: (change: Change<ModelExport>) => void,
): InformerOptions<ModelExport> => ({
  ...scope,
  resource: modelExportResource,
  project: (raw) => projectOwner(raw as ModelExport),
  indexes: {
    [indexes.deviceClass]: ({ spec }) => spec.deviceClasses.map(({ name }) => name),
    /** By the key of the CalibrationTensorfile. */
    [indexes.tensorfile]: (modelExport) => {
      const name = tensorfileName(modelExport);
      return name === undefined ? [] : [`${modelExport.metadata.namespace}/${name}`];
    },
  },
  onChange,
});
