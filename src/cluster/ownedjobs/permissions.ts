/** What controllers that own Jobs ask of the apiserver. Secrets and ConfigMaps are not here: only pods read them. */
import type { Permission } from '../api/permissions.ts';

export const permissions: readonly Permission[] = [
  {
    apiGroups: ['batch'],
    resources: ['jobs'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    why: 'Makes the Jobs that export and build, suspends them, and removes those of an older spec.',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['list', 'watch'],
    why: 'Reads results from termination messages, and what a pod waits for.',
  },
  {
    apiGroups: [''],
    resources: ['events'],
    verbs: ['list'],
    why: 'Reads the events of a Job or pod of its own that is stuck: only there a kubelet says that a Secret is missing.',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create'],
    why: 'Tells the story of an object to `kubectl describe`.',
  },
];
