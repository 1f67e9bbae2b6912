/** The pod that `fetch` reads claims through: it mounts them read-only, waits, and ends by itself. Pure. */
import { contentKey } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { type PvcUri, parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { mounts } from '../../ground/contract/layout.ts';
import { exportGroup } from '../api/group.ts';
import { labels } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import { containerDefaults, makeClaimVolumes, makePodSecurityContext } from '../jobs/pod.ts';
import { pluginFieldManager } from './write.ts';

/** What the pod needs besides the ModelExport. */
export type ReaderPlan = {
  /** URIs of the files. */
  readonly uris: readonly string[];
  /** An image with Node.js. */
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

/** Node.js for a small file and the kernel's buffers; a limit, because quotas may require one. */
const resources = {
  requests: { cpu: '50m', memory: '96Mi' },
  limits: { memory: '256Mi' },
} as const;

/** The pod. Deleting the ModelExport deletes it, too. */
export const makeReaderPod = ({ metadata, spec }: ModelExport, plan: ReaderPlan): ReaderPod => {
  const { uris, image, pullSecrets, node, now } = plan;
  const { volumes, mounts: volumeMounts } = makeClaimVolumes(uris, []);
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

/** The command that writes the file of a URI to standard output. */
export const readCommand = (uri: string): readonly string[] => {
  const { claim, path } = parseUri(uri);
  return ['node', '--eval', readScript, `${mounts.claims}/${claim}/${path}`];
};

/** Names of the claims of these URIs, each once. @throws UserError Usage for a URI that is in no claim */
export const claimsOf = (uris: readonly string[]): readonly string[] => [
  ...new Set(uris.map((uri) => parseUri(uri).claim)),
];

const parseUri = (uri: string): PvcUri => {
  const parsed = parsePvcUri(uri);
  if (parsed !== undefined) return parsed;
  throw new UserError(
    'Usage',
    `Fetching ${uri}: kubectl modelexport reads claims, and this file is in object storage. Run tlt-model fetch ${uri} -o PATH with --s3_endpoint and --s3_credentials; it checks the digest, too.`,
  );
};
