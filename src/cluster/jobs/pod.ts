/** What every pod shares: the restricted security context, claims as mounts, the key as a file. */

import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { installation } from '../../ground/contract/installation.ts';
import { mountedFile, mounts } from '../../ground/contract/layout.ts';
import { containerSecurityContext } from '../api/container-security.ts';
import type { ModelExportSpec } from '../api/model-export.ts';

export type Volume = { readonly name: string } & Readonly<Record<string, unknown>>;
export type VolumeMount = { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean };
export type Volumes = { readonly volumes: readonly Volume[]; readonly mounts: readonly VolumeMount[] };

/** The uid that our images run as. */
const nonRoot = installation.uid;

type PodSecurity = NonNullable<NonNullable<ModelExportSpec['jobs']>['podSecurity']>;

/** A platform that has a range of ids for each namespace refuses pods with ids of another range, and sets its own. */
export const makePodSecurityContext = ({
  idsFrom = 'Operator',
  runAsUser = nonRoot,
  fsGroup = nonRoot,
}: PodSecurity = {}) => ({
  runAsNonRoot: true,
  ...(idsFrom === 'Operator' && { runAsUser, runAsGroup: fsGroup, fsGroup }),
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
});

/** Fields that each container carries; a container that was killed without a word is explained by its last log lines. */
export const containerDefaults = {
  securityContext: containerSecurityContext,
  terminationMessagePath: mounts.terminationMessage,
  terminationMessagePolicy: 'FallbackToLogsOnError',
} as const;

/**
 * One mount per claim behind these URIs. A claim that is only read is read-only at its source, so that no driver changes
 * the owner of its files either.
 */
export const makeClaimVolumes = (read: readonly string[], written: readonly string[]): Volumes => {
  const claimsOf = (uris: readonly string[]) => uris.flatMap((uri) => parsePvcUri(uri)?.claim ?? []);
  const writable = new Set(claimsOf(written));
  const claims = [...new Set([...claimsOf(read), ...writable])].sort();
  return {
    volumes: claims.map((claim, index) => ({
      name: makeVolumeName(index),
      // Also at the source: else drivers attach the volume for writing, and the kubelet gives the data set another group.
      persistentVolumeClaim: { claimName: claim, ...(!writable.has(claim) && { readOnly: true }) },
    })),
    mounts: claims.map((claim, index) => ({
      name: makeVolumeName(index),
      mountPath: `${mounts.claims}/${claim}`,
      readOnly: !writable.has(claim),
    })),
  };
};

/** By number: the name of a claim may be longer than that of a volume, and has dots where that has none. */
const makeVolumeName = (index: number): string => `claim-${index}`;

/** The key as a read-only file: it never enters argv, the environment or the operator. */
export const makeKeyVolume = (secret: { readonly name: string; readonly key: string }): Volumes => {
  const { folder, file: path } = mountedFile(mounts.keyFile);
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

/**
 * A folder in memory, for what must not reach a node's disk: a decrypted model, and what programs derive from one. Its
 * content counts as memory of the pod.
 */
export const makeMemoryVolume = (name: string, mountPath: string, sizeLimit: string): Volumes => ({
  volumes: [{ name, emptyDir: { medium: 'Memory', sizeLimit } }],
  mounts: [{ name, mountPath }],
});

/** A folder on the node's disk, for what is no secret. */
export const makeDiskVolume = (name: string, mountPath: string, sizeLimit: string): Volumes => ({
  volumes: [{ name, emptyDir: { sizeLimit } }],
  mounts: [{ name, mountPath }],
});

/** The same volumes, mounted so that nothing can be written. */
export const makeReadOnly = ({ volumes, mounts: writable }: Volumes): Volumes => ({
  volumes,
  mounts: writable.map((mount) => ({ ...mount, readOnly: true })),
});

export const joinVolumes = (...parts: readonly Volumes[]): Volumes => ({
  volumes: parts.flatMap(({ volumes }) => volumes),
  mounts: parts.flatMap((part) => part.mounts),
});
