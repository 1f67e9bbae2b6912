/** Permissions of controllers that own Jobs. Secrets and ConfigMaps are not among them because only pods read them. */
import type { Permission } from '../api/permissions.ts';

export const permissions: readonly Permission[] = [
  {
    apiGroups: ['batch'],
    resources: ['jobs'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    why: 'Creates the Jobs, suspends them, and deletes those of an older spec.',
  },
  {
    apiGroups: [''],
    resources: ['pods'],
    verbs: ['list', 'watch'],
    why: 'Reads results from termination messages, and why a pod does not start.',
  },
  {
    apiGroups: [''],
    resources: ['events'],
    verbs: ['list'],
    why: 'Reads the events of its own Jobs and pods that do not start. The kubelet reports a missing Secret only there.',
  },
  {
    apiGroups: ['events.k8s.io'],
    resources: ['events'],
    verbs: ['create'],
    why: 'Publishes the events that `kubectl describe` shows.',
  },
];
