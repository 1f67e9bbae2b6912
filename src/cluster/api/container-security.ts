/**
 * Security context of all our containers: that of the restricted Pod Security Standard, and a read-only root file
 * system.
 */
export const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** Security context of all our pods, without ids: that of the restricted Pod Security Standard. */
export const podSecurityDefaults = {
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Explains a container that was killed by its last log lines. */
export const terminationMessagePolicy = 'FallbackToLogsOnError';
