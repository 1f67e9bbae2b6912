/**
 * The pod that `fetch` reads through: it mounts claims read-only, and what the export's own pods mount to reach object storage; it
 * waits, and ends by itself. Pure.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { isS3Uri } from '../../ground/base/s3-uri.ts';
import { mounts } from '../../ground/contract/layout.ts';
import type { S3Settings } from '../../ground/contract/s3-settings.ts';
import { exportGroup } from '../api/group.ts';
import { labels } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import { sendProgram } from '../jobs/images.ts';
import {
  containerDefaults,
  joinVolumes,
  makeClaimVolumes,
  makePodSecurityContext,
  type Volumes,
} from '../jobs/pod.ts';
import { makeS3Reading } from '../jobs/s3.ts';
import { pluginFieldManager } from './write.ts';

/** What the pod needs besides the ModelExport. */
export type ReaderPlan = {
  /** URIs of the files. */
  readonly uris: readonly string[];
  /** An image with Node.js; ours, for objects. */
  readonly image: string;
  readonly pullSecrets: readonly { readonly name: string }[];
  /** The node that has a claim of ours that only one node can mount. */
  readonly node: string | undefined;
  /** Milliseconds since the epoch; makes the name unique. */
  readonly now: number;
};

/** core/v1 Pod. */
export type ReaderPod = {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: { readonly name: string; readonly namespace: string } & Readonly<
    Record<string, unknown>
  >;
  readonly spec: Readonly<Record<string, unknown>>;
};

/** Name of the only container. */
export const readerContainer = 'fetch';

/** The kubelet ends the pod after this time, even if the plugin was killed: enough for 2 GB at 1 MB/s. */
const lifetimeSeconds = 3600;

const waitScript = `setTimeout(() => {}, ${lifetimeSeconds * 1000});`;

/** Node.js, the SDK of object storage and the kernel's buffers; a limit, because quotas may require one. */
const resources = {
  requests: { cpu: '50m', memory: '96Mi' },
  limits: { memory: '256Mi' },
} as const;

/** The pod. Deleting the ModelExport deletes it, too. */
export const makeReaderPod = ({ metadata, spec }: ModelExport, plan: ReaderPlan): ReaderPod => {
  const { uris, image, pullSecrets, node, now } = plan;
  const { volumes, mounts: volumeMounts } = joinVolumes(
    makeClaimVolumes(uris, []),
    makeObjectVolumes(uris, spec.s3),
  );
  const { jobs = {} } = spec;
  const { serviceAccountName, podSecurity } = jobs;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${metadata.name.slice(0, 40).replace(/[-.]+$/, '')}-fetch-${contentKey({ uid: metadata.uid, now }).slice(0, 8)}`,
      namespace: metadata.namespace,
      labels: { [labels.managedBy]: pluginFieldManager },
      ownerReferences: [
        {
          apiVersion: exportGroup.apiVersion,
          kind: 'ModelExport',
          name: metadata.name,
          uid: metadata.uid,
        },
      ],
    },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: lifetimeSeconds,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: makePodSecurityContext(podSecurity),
      ...(serviceAccountName && { serviceAccountName }),
      ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets }),
      ...(node === undefined ? (jobs.export?.placement ?? {}) : pinTo(node)),
      containers: [
        {
          name: readerContainer,
          image,
          command: ['node', '--eval', waitScript],
          resources,
          volumeMounts,
          ...containerDefaults,
        },
      ],
      volumes,
    },
  };
};

/** @throws UserError Usage if status lists objects, and spec.s3 is gone */
const makeObjectVolumes = (uris: readonly string[], s3: ModelExport['spec']['s3']): Volumes => {
  const object = uris.find(isS3Uri);
  if (object === undefined) return { volumes: [], mounts: [] };
  if (s3 !== undefined) return makeS3Reading(s3).volumes;
  throw new UserError(
    'Usage',
    `Fetching ${object}: spec.s3 is not set any more, so the object storage is not known. Set it, or run tlt-model fetch ${object} -o PATH with --s3_endpoint and --s3_credentials.`,
  );
};

/** Any taint is tolerated: the node already runs a pod with the claim. */
const pinTo = (node: string): object => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
      },
    },
  },
  tolerations: [{ operator: 'Exists' }],
});

/** Exit code of the read command for a file that does not exist. */
export const absentExitCode = 12;

/** Copies a file to standard output; an error is one word, such as EACCES. Node.js, because the image may have no shell. */
const readScript = `const { createReadStream } = require('node:fs');
createReadStream(process.argv[1]).on('error', ({ code }) => {
  process.stderr.write(code + '\\n');
  process.exitCode = code === 'ENOENT' ? ${absentExitCode} : 1;
}).pipe(process.stdout);`;

/**
 * The command that writes the file of a URI to standard output.
 * @param s3 how objects are reached; undefined if there are none
 */
export const readCommand = (uri: string, s3: S3Settings | undefined): readonly string[] => {
  const inClaim = parsePvcUri(uri);
  if (inClaim === undefined) return ['node', sendProgram, uri, '--task', JSON.stringify({ s3 })];
  return ['node', '--eval', readScript, `${mounts.claims}/${inClaim.claim}/${inClaim.path}`];
};

/** Names of the claims of these URIs, each once. */
export const claimsOf = (uris: readonly string[]): readonly string[] => [
  ...new Set(uris.flatMap((uri) => parsePvcUri(uri)?.claim ?? [])),
];
