/** Permissions of the ModelExport controller. `ownedjobs/permissions.ts` has those for Jobs. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission } from '../api/permissions.ts';

const { plural } = kinds.ModelExport;

/** All rules of this controller. */
export const permissions: readonly Permission[] = [
  {
    apiGroups: [exportGroup.group],
    resources: [plural],
    verbs: ['list', 'watch'],
    why: 'Reads ModelExports.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/status`],
    verbs: ['patch'],
    why: 'Writes the status of ModelExports.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/finalizers`],
    verbs: ['update'],
    why: 'The admission plugin OwnerReferencesPermissionEnforcement requires it for owner references that block deletion.',
  },
];
