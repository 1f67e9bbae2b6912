/** The experiment spec of an object: what a pod is told of it, and how a ConfigMap becomes a file. */
import { mountedFile, mounts } from '../../ground/contract/layout.ts';
import type { SpecSource } from '../../ground/contract/task.ts';
import type { Volumes } from './pod.ts';

/** What the pod needs to know of it; the name of a ConfigMap is not among that. */
export const toSpecSource = ({ uri, sha256 }: SpecSource): SpecSource => ({
  ...(uri && { uri }),
  ...(sha256 && { sha256 }),
});

/** The experiment spec as a read-only file, where a ConfigMap holds it. */
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
