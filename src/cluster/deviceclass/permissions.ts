/** What the device class controller asks of the apiserver. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission } from '../api/permissions.ts';

const { plural } = kinds.ExportDeviceClass;

export const permissions: readonly Permission[] = [
  {
    apiGroups: [exportGroup.group],
    resources: [plural],
    verbs: ['list', 'watch'],
    why: 'Reads what the device classes are.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/status`],
    verbs: ['patch'],
    why: 'Writes which nodes belong to them.',
  },
  {
    apiGroups: [''],
    resources: ['nodes'],
    verbs: ['list', 'watch'],
    why: 'Matches nodes to device classes by their labels.',
  },
];
