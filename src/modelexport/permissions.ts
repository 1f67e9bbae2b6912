/** What the ModelExport controller asks of the apiserver. Secrets and ConfigMaps are not here: only pods read them. */
import { exportGroup, kinds } from '../api/group.ts';
import type { Permission } from '../api/permissions.ts';

const { plural } = kinds.ModelExport;

export const permissions: readonly Permission[] = [
  {
    apiGroups: [exportGroup.group],
    resources: [plural],
    verbs: ['get', 'list', 'watch'],
    why: 'Reads what is to be exported.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/status`],
    verbs: ['get', 'update', 'patch'],
    why: 'Writes where everything lies, and why something does not.',
  },
  {
    apiGroups: [exportGroup.group],
    resources: [`${plural}/finalizers`],
    verbs: ['update'],
    why: 'Clusters that check owner references ask for it of whoever makes owned Jobs.',
  },
  {
    apiGroups: ['batch'],
    resources: ['jobs'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    why: 'Makes the Jobs that export and build, suspends them, and removes those of an older spec.',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['get', 'list', 'watch'],
    why: 'Reads results from termination messages, and what a pod waits for.',
  },
  {
    apiGroups: [''],
    resources: ['events'],
    verbs: ['get', 'list', 'watch'],
    why: 'Reads FailedMount events: only there a kubelet says that a Secret is missing.',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create', 'patch'],
    why: 'Tells the story of an export to `kubectl describe`.',
  },
];
