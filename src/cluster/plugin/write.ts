/** Changes ModelExports as the user of the plugin. The only file of the plugin that writes. */
import { resourceOf } from '../api/group.ts';
import type { Reader, ReadTarget } from './read.ts';
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
