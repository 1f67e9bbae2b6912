/** The experiment spec in tasks and pods. */
import { mountedFile, mounts } from '../../ground/contract/layout.ts';
import type { SpecSource } from '../../ground/contract/task.ts';
import type { Volumes } from './pod.ts';

/** The fields that a task contains. A ConfigMap is mounted, so its name is not among them. */
export const toSpecSource = ({ uri, sha256 }: SpecSource): SpecSource => ({
  ...(uri && { uri }),
  ...(sha256 && { sha256 }),
});

/** The experiment spec as a read-only file, if it is in a ConfigMap. */
export const makeSpecVolume = (
  reference: { readonly name: string; readonly key: string } | undefined,
): Volumes => {
  if (reference === undefined) return { volumes: [], mounts: [] };
  const { folder, file: path } = mountedFile(mounts.specFile);
  return {
    volumes: [{ name: 'spec', configMap: { name: reference.name, items: [{ key: reference.key, path }] } }],
    mounts: [{ name: 'spec', mountPath: folder, readOnly: true }],
  };
};
