/**
 * A cluster that is there already, by its kubectl context (for example kind-kind), where no cluster can be started. Our
 * two images must be on its nodes (`kind load docker-image …`), and its default storage class makes the claims.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DemoCluster } from './cluster.ts';
import { linesOf, run } from './run.ts';

const workerImage = 'tlt-export-operator:dev';

/** Writes standard input to the file that is named; the image has no shell and no tar. */
const receiver =
  "const { createWriteStream, mkdirSync } = require('node:fs'); const path = process.argv[1]; mkdirSync(require('node:path').dirname(path), { recursive: true }); process.stdin.pipe(createWriteStream(path));";

export const useContext = (context: string): DemoCluster => {
  const kubectl = (args: readonly string[], input?: string) =>
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
      await copyInto({ kubectl, context, namespace, claim: name }, folder);
      await rm(folder, { recursive: true });
      return undefined;
    },
    stop: async () => {
      for (const name of namespaces) await kubectl(['delete', 'namespace', name, '--wait=false']);
    },
  };
};

type Target = {
  readonly kubectl: DemoCluster['kubectl'];
  readonly context: string;
  readonly namespace: string;
  readonly claim: string;
};

const copyInto = async ({ kubectl, context, namespace, claim }: Target, folder: string): Promise<void> => {
  const name = `fill-${claim}`;
  await kubectl(['apply', '-f', '-'], JSON.stringify(fillingPod({ name, namespace, claim })));
  await kubectl(['wait', '-n', namespace, '--for=condition=Ready', `pod/${name}`, '--timeout=120s']);
  for (const path of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const file = join(path.parentPath, path.name);
    const target = join('/claim', file.slice(folder.length));
    const exec = [
      '--context',
      context,
      'exec',
      '-i',
      '-n',
      namespace,
      name,
      '--',
      'node',
      '-e',
      receiver,
      target,
    ];
    await run('kubectl', exec, { input: readFileSync(file) });
  }
  await kubectl(['delete', 'pod', '-n', namespace, name, '--wait=true', '--grace-period=1']);
};

const fillingPod = ({
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
