/** The cache of ModelExports: what it keeps of one, and how one is found. */
import { exportGroup, kinds } from '../api/group.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { Scope } from '../ownedjobs/caches.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';

export const modelExportResource = { ...exportGroup, plural: kinds.ModelExport.plural } as const;

/** Index names: each is used where it is declared and where it is read, and nowhere else spelled out. */
export const indexes = { deviceClass: 'deviceClass' } as const;

export const modelExportCache = (
  scope: Scope,
  onChange: (change: Change<ModelExport>) => void,
): InformerOptions<ModelExport> => ({
  ...scope,
  resource: modelExportResource,
  project: (raw) => {
    const { metadata, ...rest } = raw as ModelExport;
    const { name, namespace, uid, resourceVersion, generation, annotations, deletionTimestamp } = metadata;
    return {
      ...rest,
      metadata: {
        name,
        namespace,
        uid,
        resourceVersion,
        generation,
        ...(annotations && { annotations }),
        ...(deletionTimestamp && { deletionTimestamp }),
      },
    };
  },
  indexes: { [indexes.deviceClass]: ({ spec }) => spec.deviceClasses.map(({ name }) => name) },
  onChange,
});
