/** Permissions of the ModelExport controller. Those for Jobs are in `ownedjobs/permissions.ts`. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission } from '../api/permissions.ts';

const { plural } = kinds.ModelExport;

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
