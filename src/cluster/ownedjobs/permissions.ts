/** Permissions of controllers that own Jobs. They exclude Secrets and ConfigMaps, which only pods read. */
import { exportGroup, kinds } from '../api/group.ts';
import type { OwnerKind } from '../api/labels.ts';
import { type Permission, progressPermission } from '../api/permissions.ts';

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
  progressPermission,
  {
    apiGroups: [''],
    resources: ['persistentvolumeclaims'],
    verbs: ['get'],
    why: 'Reads the access modes of the claims that a spec names. Without it, conflicts are found by the scheduler.',
  },
  {
    apiGroups: [''],
    resources: ['persistentvolumes'],
    verbs: ['get'],
    why: 'Reads which nodes can access the volumes of these claims. Without it, zones are found by the scheduler.',
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

/** The rules of a controller for the objects of its own kind. */
export const makeOwnerPermissions = (kind: OwnerKind): readonly Permission[] => {
  const { plural } = kinds[kind];
  const apiGroups = [exportGroup.group];
  return [
    { apiGroups, resources: [plural], verbs: ['list', 'watch'], why: `Reads ${kind}s.` },
    { apiGroups, resources: [`${plural}/status`], verbs: ['update'], why: `Writes the status of ${kind}s.` },
    {
      apiGroups,
      resources: [`${plural}/finalizers`],
      verbs: ['update'],
      why: 'The admission plugin OwnerReferencesPermissionEnforcement requires it for owner references that block deletion.',
    },
  ];
};
