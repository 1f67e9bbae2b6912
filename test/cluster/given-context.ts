/**
 * An existing cluster, by its kubectl context (for example kind-kind), where no cluster can be started. Its nodes must
 * have our two images (`kind load docker-image …`), and its default storage class provides the claims.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DemoCluster } from './cluster.ts';
import { linesOf, run } from './run.ts';

const workerImage = 'tlt-export-operator:dev';

/** Writes standard input to the named file; the image has neither shell nor tar. */
const receiver =
  "const { createWriteStream, mkdirSync } = require('node:fs'); const path = process.argv[1]; mkdirSync(require('node:path').dirname(path), { recursive: true }); process.stdin.pipe(createWriteStream(path));";

/** Prints the named file in base64. */
const sender = "process.stdout.write(require('node:fs').readFileSync(process.argv[1]).toString('base64'))";

export const useContext = (context: string): DemoCluster => {
  const kubectl = (args: readonly string[], input?: string | Uint8Array) =>
    run('kubectl', ['--context', context, ...args], input === undefined ? {} : { input });
  const namespaces: string[] = [];
  return {
    kubectl,
    watch: (args, limitMs) => linesOf('kubectl', ['--context', context, 'get', '--watch', ...args], limitMs),
    addNamespace: async (name) => {
      namespaces.push(name);
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await kubectl(
        ['apply', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }),
      );
    },
    fillClaim: async ({ namespace, name }, fill) => {
      const resources = { requests: { storage: '1Gi' } };
      const spec = { accessModes: ['ReadWriteOnce'], resources };
      const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace }, spec };
      await kubectl(['apply', '-f', '-'], JSON.stringify(claim));
      const folder = await mkdtemp(join(tmpdir(), 'tlt-claim-'));
      await fill(folder);
      await copyInto({ kubectl, namespace, claim: name }, folder);
      await rm(folder, { recursive: true });
      return undefined;
    },
    readClaim: ({ namespace, name }, path) =>
      withClaim({ kubectl, namespace, claim: name }, async (execute) =>
        Buffer.from(await execute(sender, join('/claim', path)), 'base64'),
      ),
    stop: async () => {
      for (const name of namespaces) await kubectl(['delete', 'namespace', name, '--wait=false']);
    },
  };
};

type Target = {
  readonly kubectl: DemoCluster['kubectl'];
  readonly namespace: string;
  readonly claim: string;
};

type Execute = (script: string, path: string, input?: Uint8Array) => Promise<string>;

/** Runs a pod that mounts the claim at /claim, while `use` runs scripts in it. */
const withClaim = async <T>(
  { kubectl, namespace, claim }: Target,
  use: (execute: Execute) => Promise<T>,
): Promise<T> => {
  const name = `files-of-${claim}`;
  await kubectl(['apply', '-f', '-'], JSON.stringify(podOfClaim({ name, namespace, claim })));
  await kubectl(['wait', '-n', namespace, '--for=condition=Ready', `pod/${name}`, '--timeout=120s']);
  const found = await use((script, path, input) =>
    kubectl(['exec', '-i', '-n', namespace, name, '--', 'node', '-e', script, path], input),
  );
  await kubectl(['delete', 'pod', '-n', namespace, name, '--wait=true', '--grace-period=1']);
  return found;
};

const copyInto = (target: Target, folder: string): Promise<void> =>
  withClaim(target, async (execute) => {
    for (const path of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!path.isFile()) continue;
      const file = join(path.parentPath, path.name);
      await execute(receiver, join('/claim', file.slice(folder.length)), readFileSync(file));
    }
  });

const podOfClaim = ({
  name,
  namespace,
  claim,
}: {
  name: string;
  namespace: string;
  claim: string;
}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: {
    restartPolicy: 'Never',
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'fill',
        image: workerImage,
        command: ['node', '-e', 'setInterval(() => {}, 1e6)'],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'claim', mountPath: '/claim' }],
      },
    ],
    volumes: [{ name: 'claim', persistentVolumeClaim: { claimName: claim } }],
  },
});
