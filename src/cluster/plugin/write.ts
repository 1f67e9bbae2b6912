/** Changes ModelExports as the user of the plugin. The only file of the plugin that writes. */
import { resourceOf } from '../api/group.ts';
import { jobResources } from '../ownedjobs/caches.ts';
import { isStatus } from '../runtime/api-error.ts';
import type { Reader, ReadTarget } from './lists.ts';
import type { RequestedChange } from './requests.ts';

/** Field manager of the plugin's changes, so that `kubectl get --show-managed-fields` names who suspended an export. */
export const pluginFieldManager = 'kubectl-modelexport';

/** Sends the patch, if there is one. */
export const applyChange = async (
  { client, signal }: Reader,
  target: ReadTarget,
  { patch }: RequestedChange,
): Promise<void> => {
  if (patch !== undefined) await client.mergePatch(resourceOf('ModelExport'), target, patch, signal);
};

/** Creates a pod in its namespace. */
export const createPod = async (
  { client, signal }: Reader,
  pod: { readonly metadata: ReadTarget } & object,
): Promise<void> => {
  await client.create(jobResources.pods, { namespace: pod.metadata.namespace }, pod, signal);
};

/** Deletes a pod, if it exists. */
export const deletePod = async (
  { client, signal }: Reader,
  { namespace, name }: ReadTarget,
): Promise<void> => {
  try {
    await client.remove(jobResources.pods, { namespace, name }, signal);
  } catch (thrown) {
    if (!isStatus(thrown, 404)) throw thrown;
  }
};
