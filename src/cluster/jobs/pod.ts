/** What every pod shares: the restricted security context, claims as mounts, the key as a file. */
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { mounts } from '../../ground/contract/layout.ts';

export type Volume = { readonly name: string } & Readonly<Record<string, unknown>>;
export type VolumeMount = { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean };
export type Volumes = { readonly volumes: readonly Volume[]; readonly mounts: readonly VolumeMount[] };

/** The uid that our images run as. */
const nonRoot = 65532;

export const podSecurityContext = {
  runAsNonRoot: true,
  runAsUser: nonRoot,
  runAsGroup: nonRoot,
  fsGroup: nonRoot,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

export const containerSecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** Fields that each container carries; a container that was killed without a word is explained by its last log lines. */
export const containerDefaults = {
  securityContext: containerSecurityContext,
  terminationMessagePath: mounts.terminationMessage,
  terminationMessagePolicy: 'FallbackToLogsOnError',
} as const;

/** Of a container that moves files. */
export const smallResources = { requests: { cpu: '250m', memory: '256Mi' } } as const;

/** One mount per claim behind these URIs; a claim that is only read is mounted read-only. */
export const claimVolumes = (read: readonly string[], written: readonly string[]): Volumes => {
  const claimsOf = (uris: readonly string[]) => uris.flatMap((uri) => parsePvcUri(uri)?.claim ?? []);
  const writable = new Set(claimsOf(written));
  const claims = [...new Set([...claimsOf(read), ...writable])].sort();
  return {
    volumes: claims.map((claim) => ({
      name: volumeName(claim),
      persistentVolumeClaim: { claimName: claim },
    })),
    mounts: claims.map((claim) => ({
      name: volumeName(claim),
      mountPath: `${mounts.claims}/${claim}`,
      readOnly: !writable.has(claim),
    })),
  };
};

/** A claim's name may hold dots, a volume's may not. */
const volumeName = (claim: string): string => `claim-${claim.replaceAll('.', '-')}`.slice(0, 63);

/** The key as a read-only file: it never enters argv, the environment or the operator. */
export const keyVolume = (secret: { readonly name: string; readonly key: string }): Volumes => {
  const separator = mounts.keyFile.lastIndexOf('/');
  const folder = mounts.keyFile.slice(0, separator);
  const path = mounts.keyFile.slice(separator + 1);
  return {
    volumes: [
      {
        name: 'key',
        secret: { secretName: secret.name, defaultMode: 0o440, items: [{ key: secret.key, path }] },
      },
    ],
    mounts: [{ name: 'key', mountPath: folder, readOnly: true }],
  };
};

/** A scratch folder: the root file system is read-only. */
export const scratchVolume = (name: string, mountPath: string): Volumes => ({
  volumes: [{ name, emptyDir: {} }],
  mounts: [{ name, mountPath }],
});

export const joined = (...parts: readonly Volumes[]): Volumes => ({
  volumes: parts.flatMap(({ volumes }) => volumes),
  mounts: parts.flatMap((part) => part.mounts),
});
