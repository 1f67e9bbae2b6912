/** Permissions of the ExportDeviceClass controller. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission } from '../api/permissions.ts';

const { plural } = kinds.ExportDeviceClass;

/** All rules of this controller. */
export const permissions: readonly Permission[] = [
  {
    apiGroups: [exportGroup.group],
    resources: [plural],
    verbs: ['list', 'watch'],
    why: 'Reads ExportDeviceClasses.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/status`],
    verbs: ['update'],
    why: 'Writes the status of ExportDeviceClasses.',
  },
  {
    apiGroups: [''],
    resources: ['nodes'],
    verbs: ['list', 'watch'],
    why: 'Matches nodes to device classes by their labels.',
  },
];
