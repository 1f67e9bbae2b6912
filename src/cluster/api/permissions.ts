/** What a part of the operator asks of the apiserver; RBAC manifests and the security page are generated from it. */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export type Permission = {
  /** The empty string is the core group. */
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  /** A sentence for the person who has to grant it. */
  readonly why: string;
};
