/**
 * A whole Kubernetes on this machine: control plane, two kubelets that look like two GPU machines, our images, and
 * claims on a folder. Nothing of it is left when it stops, nor when an earlier one was killed.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type ControlPlane, kubernetesServiceAddress, startControlPlane } from './control-plane.ts';
import { nodeLabels } from './hardware.ts';
import { buildImages, pauseArchive } from './images.ts';
import { killShims, removeCgroup, runFolder, startNode, type TestNode, unmountBelow } from './node.ts';
import { eventually, run } from './run.ts';

/** What the demo needs of a cluster, whoever started it. */
export interface DemoCluster {
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** A namespace that admits restricted pods alone. */
  addNamespace(name: string): Promise<void>;
  /** A claim with what `fill` writes into the folder that it is given; returns the folder if it stays the claim's own. */
  fillClaim(
    claim: { readonly namespace: string; readonly name: string },
    fill: (folder: string) => Promise<void>,
  ): Promise<string | undefined>;
  stop(): Promise<void>;
}

export interface Cluster extends ControlPlane, DemoCluster {
  readonly nodes: readonly string[];
}

const folderPrefix = 'tlt-test-cluster-';

export type ClusterOptions = {
  /** Whether our images are built and loaded; true if left out. */
  readonly images?: boolean;
};

export const startCluster = async ({ images = true }: ClusterOptions = {}): Promise<Cluster> => {
  requireRoot();
  const pause = await pauseArchive();
  const archives = images ? await buildImages() : [];
  await removeLeftovers();
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  chmodSync(folder, 0o755);
  await run('ip', ['address', 'replace', `${kubernetesServiceAddress}/32`, 'dev', 'lo']);
  const started: { stop(): Promise<void> }[] = [];
  const stop = once(async () => {
    await Promise.all(started.slice(1).map((part) => part.stop()));
    await started[0]?.stop();
    await removeLeftovers();
    for (const signal of signals) process.removeListener(signal, onSignal);
  });
  const onSignal = () => void stop().finally(() => process.exit(130));
  for (const signal of signals) process.once(signal, onSignal);
  try {
    const controlPlane = await startControlPlane({
      folder,
      audit: true,
      controllerManager: true,
      scheduler: true,
      listen: { address: kubernetesServiceAddress, port: 443 },
    });
    started.push(controlPlane);
    const start = async (
      [name, labels]: [string, Readonly<Record<string, string>>],
      index: number,
    ): Promise<void> => {
      const options = {
        name,
        index,
        labels,
        folder: join(folder, name),
        kubeconfig: controlPlane.kubeconfig,
      };
      mkdirSync(options.folder);
      const node = await startNode(options, pause);
      started.push(node);
      await loadImages(node, archives);
      await becomeGpuNode(controlPlane, name);
    };
    await Promise.all(Object.entries(nodeLabels).map(start));
    return { ...controlPlane, stop, nodes: Object.keys(nodeLabels), ...storageOf(controlPlane) };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

const signals = ['SIGINT', 'SIGTERM'] as const;

const requireRoot = (): void => {
  if (process.platform === 'linux' && process.getuid?.() === 0) return;
  throw new Error(
    'a test cluster needs Linux and root, for containers; elsewhere set TLT_TEST_CONTEXT to a kubectl context, for example kind-kind',
  );
};

const loadImages = async (node: TestNode, archives: readonly string[]): Promise<void> => {
  for (const archive of archives) await node.load(archive);
};

/** What a device plugin would advertise; the scheduler counts it like any other. */
const becomeGpuNode = async ({ kubectl }: ControlPlane, name: string): Promise<void> => {
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

const storageOf = ({ folder, kubectl }: ControlPlane): Pick<Cluster, 'addNamespace' | 'fillClaim'> => {
  const apply = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object));
  return {
    addNamespace: async (name) => {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    },
    fillClaim: async ({ namespace, name }, fill) => {
      const path = join(folder, 'volumes', namespace, name);
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

/** Whatever a cluster of ours left behind, found by its fixed names: safe to call when there is nothing. */
export const removeLeftovers = async (): Promise<void> => {
  await run('pkill', ['-KILL', '-f', `${join(tmpdir(), folderPrefix)}`]).catch(() => {}); // None was left.
  await killShims(`${runFolder}/`);
  const folders = readdirSync(tmpdir())
    .filter((name) => name.startsWith(folderPrefix))
    .map((name) => join(tmpdir(), name));
  await unmountBelow([...folders, runFolder]);
  await removeNetwork();
  const networkResults = '/var/lib/cni/results';
  if (existsSync(networkResults))
    for (const name of readdirSync(networkResults))
      if (name.startsWith('tlt-test-')) rmSync(join(networkResults, name), { force: true });
  for (const path of [...folders, runFolder])
    if (existsSync(path)) rmSync(path, { recursive: true, force: true });
  for (const name of Object.keys(nodeLabels)) removeCgroup(name);
};

/** Network namespaces go with their mounts, and wires with their namespaces; an address on loopback goes by name. */
const removeNetwork = async (): Promise<void> => {
  const namespaces = (await run('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  for (const name of namespaces.filter((known) => known.startsWith('cni-')))
    await run('ip', ['netns', 'delete', name]).catch(() => {}); // It went by itself.
  await run('ip', ['address', 'delete', `${kubernetesServiceAddress}/32`, 'dev', 'lo']).catch(() => {}); // Not there.
};

const once = (action: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  return () => {
    running ??= action();
    return running;
  };
};
