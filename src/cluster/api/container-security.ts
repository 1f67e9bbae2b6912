/** Security context of every container of ours: what the restricted Pod Security Standard asks, and a read-only root. */
export const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;
