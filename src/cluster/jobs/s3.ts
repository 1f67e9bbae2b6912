/** Object storage in tasks and pods: settings in the task; credentials, authorities and scratch space as volumes. */

import { parseByteQuantity } from '../../ground/base/quantity.ts';
import { isS3Uri } from '../../ground/base/s3-uri.ts';
import { mountedFile, mounts } from '../../ground/contract/layout.ts';
import { defaultPathStyle, type S3Settings } from '../../ground/contract/s3-settings.ts';
import type { S3Spec } from '../api/s3.ts';
import { joinVolumes, makeDiskVolume, type Volumes } from './pod.ts';
import { addDisk, type CompleteResources } from './resources.ts';

/** What a pod needs for its `s3://` URIs. */
export type S3Access = {
  /** For the task; empty if the pod has none. */
  readonly task: { readonly s3?: S3Settings };
  readonly volumes: Volumes;
  /** The resources of a container that mounts the volumes. */
  readonly enlarge: (resources: CompleteResources) => CompleteResources;
};

const noAccess: S3Access = {
  task: {},
  volumes: { volumes: [], mounts: [] },
  enlarge: (resources) => resources,
};

/** Name of the volume with the certificate authorities; messages of the kubelet have it. */
export const authorityVolume = 's3-authority';

/** The access of a pod with these URIs: nothing if none is in object storage. */
export const makeS3Access = (s3: S3Spec | undefined, uris: readonly string[]): S3Access => {
  if (s3 === undefined || !uris.some(isS3Uri)) return noAccess;
  const scratchBytes = parseByteQuantity(s3.scratchSize);
  return {
    task: { s3: toSettings(s3, scratchBytes) },
    volumes: joinVolumes(
      makeSecretVolumes(s3),
      makeDiskVolume('scratch', mounts.scratch, String(s3.scratchSize)),
    ),
    enlarge: (resources) => addDisk(resources, scratchBytes),
  };
};

/** The access of a pod that reads objects and puts none on its disk. */
export const makeS3Reading = (s3: S3Spec): { readonly settings: S3Settings; readonly volumes: Volumes } => ({
  settings: toSettings(s3, 0),
  volumes: makeSecretVolumes(s3),
});

const makeSecretVolumes = ({ credentialsSecretRef, caConfigMapKeyRef }: S3Spec): Volumes =>
  joinVolumes(makeCredentialsVolume(credentialsSecretRef), makeAuthorityVolume(caConfigMapKeyRef));

const toSettings = (
  { endpoint, region, pathStyle, credentialsSecretRef, caConfigMapKeyRef }: S3Spec,
  scratchBytes: number,
): S3Settings => ({
  ...(endpoint !== undefined && { endpoint }),
  region,
  pathStyle: pathStyle ?? defaultPathStyle(endpoint),
  credentials: credentialsSecretRef ? 'Files' : 'Environment',
  ...(caConfigMapKeyRef && { hasAuthority: true }),
  scratchBytes,
});

/** All keys of the Secret, because the token is optional. */
const makeCredentialsVolume = (secret: { readonly name: string } | undefined): Volumes =>
  secret === undefined
    ? noAccess.volumes
    : {
        volumes: [{ name: 's3-credentials', secret: { secretName: secret.name, defaultMode: 0o440 } }],
        mounts: [{ name: 's3-credentials', mountPath: mounts.s3Credentials, readOnly: true }],
      };

const makeAuthorityVolume = (
  configMap: { readonly name: string; readonly key: string } | undefined,
): Volumes => {
  if (configMap === undefined) return noAccess.volumes;
  const { folder, file: path } = mountedFile(mounts.s3Authority);
  return {
    volumes: [
      { name: authorityVolume, configMap: { name: configMap.name, items: [{ key: configMap.key, path }] } },
    ],
    mounts: [{ name: authorityVolume, mountPath: folder, readOnly: true }],
  };
};
