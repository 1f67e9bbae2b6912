/** Permissions of the operator. RBAC manifests and docs/reference/permissions.md are generated from them. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** One rule of RBAC, with its reason. */
export type Permission = {
  /** The empty string is the core group. */
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  /** Explains to the cluster administrator why it is required. */
  readonly why: string;
};

/** The chart grants it only if progress is read. */
export const progressPermission: Permission = {
  apiGroups: [''],
  resources: ['pods/log'],
  verbs: ['get'],
  why: 'Reads the progress of running pods from the last lines of their logs. Not needed with --progress-seconds=0.',
};
