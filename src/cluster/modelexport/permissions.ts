/** What the ModelExport controller asks of the apiserver. Its Jobs' part is in room `ownedjobs`. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission } from '../api/permissions.ts';

const { plural } = kinds.ModelExport;

export const permissions: readonly Permission[] = [
  {
    apiGroups: [exportGroup.group],
    resources: [plural],
    verbs: ['list', 'watch'],
    why: 'Reads what is to be exported.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/status`],
    verbs: ['patch'],
    why: 'Writes where everything lies, and why something does not.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/finalizers`],
    verbs: ['update'],
    why: 'Clusters that check owner references ask for it of whoever makes owned Jobs.',
  },
];
