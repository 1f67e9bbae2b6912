/**
 * A Kubernetes cluster on this machine: a control plane, two kubelets that look like two GPU machines, our images, and
 * claims in a folder. Stopping removes everything, including the leftovers of an earlier, killed cluster. Own set-up instead of
 * kind or k3d, which need a container engine and node images from a registry.
 */
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { folderPrefix, removeLeftovers } from './clean-up.ts';
import { type ControlPlane, kubernetesServiceAddress, startControlPlane } from './control-plane.ts';
import { nodeLabels } from './hardware.ts';
import { buildImages, pauseArchive } from './images.ts';
import { startNode, type TestNode } from './node.ts';
import { eventually, linesOf, run } from './run.ts';
import { claimMachine } from './sole-cluster.ts';

/** What the demo requires of a cluster, whether started here or existing. */
export interface DemoCluster {
  kubectl(args: readonly string[], input?: string | Uint8Array): Promise<string>;
  /** The lines of `kubectl get --watch`, one or more per change, until the loop ends or the time is up. */
  watch(args: readonly string[], limitMs: number): AsyncIterable<string>;
  /** Creates a namespace that admits only restricted pods. */
  addNamespace(name: string): Promise<void>;
  /**
   * Creates a claim with the files that `fill` writes into the given folder; returns the folder if it is that of the
   * claim.
   */
  fillClaim(
    claim: { readonly namespace: string; readonly name: string },
    fill: (folder: string) => Promise<void>,
  ): Promise<string | undefined>;
  /** Reads a file in a claim. */
  readClaim(claim: { readonly namespace: string; readonly name: string }, path: string): Promise<Uint8Array>;
  stop(): Promise<void>;
}

export interface Cluster extends ControlPlane, DemoCluster {}

export type ClusterOptions = {
  /** Whether our images are built and loaded. Defaults to true. */
  readonly images?: boolean;
  /** Archives of other images that the nodes have. */
  readonly archives?: readonly string[];
};

export const startCluster = async ({
  images = true,
  archives: more = [],
}: ClusterOptions = {}): Promise<Cluster> => {
  requireRoot();
  const archives = [await pauseArchive(), ...(images ? await buildImages() : []), ...more];
  await claimMachine();
  await removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  chmodSync(folder, 0o755);
  await run('ip', ['address', 'replace', `${kubernetesServiceAddress}/32`, 'dev', 'lo']);
  const nodes: TestNode[] = [];
  let controlPlane: ControlPlane | undefined;
  const stop = once(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await controlPlane?.stop();
    await removeLeftovers();
    for (const signal of signals) process.removeListener(signal, onSignal);
  });
  const onSignal = () => void stop().finally(() => process.exit(130));
  for (const signal of signals) process.once(signal, onSignal);
  try {
    const startedPlane = startControlPlane({ folder, ...wholeControlPlane }).then((plane) => {
      controlPlane = plane;
      return plane;
    });
    const startedNodes = Object.entries(nodeLabels).map(async ([name, labels], index) => {
      const options = { name, index, labels, folder: join(folder, name) };
      mkdirSync(options.folder);
      nodes.push(await startNode(options, archives));
    });
    const [plane] = await Promise.all([startedPlane, ...startedNodes]);
    await Promise.all(nodes.map((node) => becomeGpuNode(plane, node)));
    return {
      ...plane,
      stop,
      watch: (args, limitMs) =>
        linesOf('kubectl', ['--kubeconfig', plane.kubeconfig, 'get', '--watch', ...args], limitMs),
      ...storageOf(plane),
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

const wholeControlPlane = {
  audit: true,
  controllerManager: true,
  scheduler: true,
  listen: { address: kubernetesServiceAddress, port: 443 },
};

const signals = ['SIGINT', 'SIGTERM'] as const;

const requireRoot = (): void => {
  if (process.platform === 'linux' && process.getuid?.() === 0) return;
  throw new Error(
    'a test cluster needs Linux and root, for containers; elsewhere set TLT_TEST_CONTEXT to a kubectl context, for example kind-kind',
  );
};

/** What a device plugin would advertise; the scheduler counts it like any other resource. */
const becomeGpuNode = async (
  { kubeconfig, kubectl }: ControlPlane,
  { name, join: joinCluster }: TestNode,
): Promise<void> => {
  await joinCluster(kubeconfig);
  await eventually(`node ${name}`, async () => (await kubectl(['get', 'node', name])) || undefined);
  const capacity = { capacity: { 'nvidia.com/gpu': '1' }, allocatable: { 'nvidia.com/gpu': '1' } };
  await kubectl([
    'patch',
    'node',
    name,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status: capacity }),
  ]);
  await kubectl(['wait', '--for=condition=Ready', `node/${name}`, '--timeout=60s']);
};

const storageOf = ({
  folder,
  kubectl,
}: ControlPlane): Pick<Cluster, 'addNamespace' | 'fillClaim' | 'readClaim'> => {
  const apply = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const folderOf = (namespace: string, claim: string) => join(folder, 'volumes', namespace, claim);
  return {
    readClaim: ({ namespace, name }, path) => readFile(join(folderOf(namespace, name), path)),
    addNamespace: async (name) => {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    },
    fillClaim: async ({ namespace, name }, fill) => {
      const path = folderOf(namespace, name);
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
      const size = { storage: '10Gi' };
      const access = { accessModes: ['ReadWriteMany'], storageClassName: '' };
      const volume = { capacity: size, ...access, hostPath: { path }, claimRef: { namespace, name } };
      await apply({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: `${namespace}-${name}` },
        spec: volume,
      });
      const claim = { ...access, resources: { requests: size }, volumeName: `${namespace}-${name}` };
      await apply({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name, namespace },
        spec: claim,
      });
      await fill(path);
      return path;
    },
  };
};

const once = (action: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  return () => {
    running ??= action();
    return running;
  };
};
