/** Permissions of controllers that own Jobs. They exclude Secrets and ConfigMaps, which only pods read. */
import type { Permission } from '../api/permissions.ts';

/** The rules that every such controller needs. */
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
