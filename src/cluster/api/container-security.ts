/**
 * Security context of all our containers: that of the restricted Pod Security Standard, and a read-only root file
 * system.
 */
export const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;
