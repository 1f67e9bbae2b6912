/** What the pods of all Jobs share: the restricted security context, claims as mounts, and the key as a file. */

import { parseOciUri } from '../../ground/base/oci-uri.ts';
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { installation } from '../../ground/contract/installation.ts';
import { imageMount, mountedFile, mounts } from '../../ground/contract/layout.ts';
import {
  containerSecurityContext,
  podSecurityDefaults,
  terminationMessagePolicy,
} from '../api/container-security.ts';
import type { ModelExportSpec } from '../api/model-export.ts';

/** core/v1 Volume. */
export type Volume = { readonly name: string } & Readonly<Record<string, unknown>>;
/** core/v1 VolumeMount. */
export type VolumeMount = { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean };
/** Volumes of a pod, and how one container mounts them. */
export type Volumes = { readonly volumes: readonly Volume[]; readonly mounts: readonly VolumeMount[] };

/** User id of our images. */
const nonRoot = installation.uid;

type PodSecurity = NonNullable<NonNullable<ModelExportSpec['jobs']>['podSecurity']>;

/**
 * Security context of a pod. A platform that assigns each namespace a range of ids, such as OpenShift, rejects other
 * ids and sets its own.
 */
export const makePodSecurityContext = ({
  idsFrom = 'Operator',
  runAsUser = nonRoot,
  fsGroup = nonRoot,
}: PodSecurity = {}) => ({
  ...podSecurityDefaults,
  ...(idsFrom === 'Operator' && { runAsUser, runAsGroup: fsGroup, fsGroup }),
  fsGroupChangePolicy: 'OnRootMismatch',
});

/** Fields of every container. */
export const containerDefaults = {
  securityContext: containerSecurityContext,
  terminationMessagePath: mounts.terminationMessage,
  terminationMessagePolicy,
} as const;

/** The volumes of these URIs: claims, and images for what is read. */
export const makeStorageVolumes = (read: readonly string[], written: readonly string[]): Volumes =>
  joinVolumes(makeClaimVolumes(read, written), makeImageVolumes(read));

/** One volume and mount per image of these URIs. A kubelet mounts them read-only. */
const makeImageVolumes = (read: readonly string[]): Volumes => {
  const images = new Map(
    read.flatMap((uri) => {
      const parts = parseOciUri(uri);
      return parts ? [[parts.digest, parts.image] as const] : [];
    }),
  );
  const sorted = [...images].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    volumes: sorted.map(([, reference], index) => ({
      name: `image-${index}`,
      image: { reference, pullPolicy: 'IfNotPresent' },
    })),
    mounts: sorted.map(([digest], index) => ({
      name: `image-${index}`,
      mountPath: `${mounts.claims}/${imageMount(digest)}`,
      readOnly: true,
    })),
  };
};

/**
 * One volume and mount per claim of these URIs. A claim that is only read is a read-only volume, so that no driver
 * changes the group of its files.
 */
export const makeClaimVolumes = (read: readonly string[], written: readonly string[]): Volumes => {
  const claimsOf = (uris: readonly string[]) => uris.flatMap((uri) => parsePvcUri(uri)?.claim ?? []);
  const writable = new Set(claimsOf(written));
  const claims = [...new Set([...claimsOf(read), ...writable])].sort();
  return {
    volumes: claims.map((claim, index) => ({
      name: makeVolumeName(index),
      // Read-only at the source, too: otherwise drivers attach the volume for writing, and the kubelet changes the
      // group of its files.
      persistentVolumeClaim: { claimName: claim, ...(!writable.has(claim) && { readOnly: true }) },
    })),
    mounts: claims.map((claim, index) => ({
      name: makeVolumeName(index),
      mountPath: `${mounts.claims}/${claim}`,
      readOnly: !writable.has(claim),
    })),
  };
};

/** Numbered, because claim names may be longer than volume names and may contain dots. */
const makeVolumeName = (index: number): string => `claim-${index}`;

/** The key as a read-only file. It never is in argv, in the environment or in the operator. */
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
 * A folder in memory, for files that must not reach a node's disk: a decrypted model, and what programs derive from it.
 * Its content counts as memory of the pod.
 */
export const makeMemoryVolume = (name: string, mountPath: string, sizeLimit: string): Volumes => ({
  volumes: [{ name, emptyDir: { medium: 'Memory', sizeLimit } }],
  mounts: [{ name, mountPath }],
});

/** A folder on the node's disk, for files that are not secret. */
export const makeDiskVolume = (name: string, mountPath: string, sizeLimit: string): Volumes => ({
  volumes: [{ name, emptyDir: { sizeLimit } }],
  mounts: [{ name, mountPath }],
});

/** The same volumes, mounted read-only. */
export const makeReadOnly = ({ volumes, mounts: writable }: Volumes): Volumes => ({
  volumes,
  mounts: writable.map((mount) => ({ ...mount, readOnly: true })),
});

/** All of these volumes and mounts. */
export const joinVolumes = (...parts: readonly Volumes[]): Volumes => ({
  volumes: parts.flatMap(({ volumes }) => volumes),
  mounts: parts.flatMap((part) => part.mounts),
});
