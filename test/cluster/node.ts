/** One node: a kubelet with its own containerd, folders, sockets and cgroups. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants as osConstants, setPriority } from 'node:os';
import { join } from 'node:path';
import { kubeBinary } from './binaries.ts';
import { cgroupOf, makeCgroup, removeCgroup } from './cgroups.ts';
import { killShims, runFolder, unmountBelow } from './clean-up.ts';
import { type Containerd, startContainerd } from './containerd.ts';
import { copyImageStore } from './image-store.ts';
import { kubeletConfig, kubeletFlags, type NodeOptions, networkConfig } from './node-config.ts';
import { type Background, background, eventually } from './run.ts';

export interface TestNode {
  readonly name: string;
  /** Starts the kubelet. */
  join(kubeconfig: string): Promise<void>;
  stop(): Promise<void>;
}

/** A containerd with the images of these archives. It needs no control plane until it joins one. */
export const startNode = async (options: NodeOptions, archives: readonly string[]): Promise<TestNode> => {
  const { name, folder } = options;
  const state = join(runFolder, name);
  const cni = join(folder, 'cni');
  for (const path of [join(folder, 'kubelet'), cni, state]) mkdirSync(path, { recursive: true });
  makeCgroup(cgroupOf(name));
  const parts: { containerd?: Containerd; kubelet?: Background } = {};
  const stop = async (): Promise<void> => {
    await parts.kubelet?.stop();
    if (parts.containerd) await stopContainerd(parts.containerd);
    await unmountBelow([folder, state]);
    rmSync(state, { recursive: true, force: true });
    removeCgroup(cgroupOf(name));
  };
  try {
    writeFileSync(join(cni, '10-ptp.conflist'), networkConfig(options));
    const root = join(folder, 'containerd');
    await copyImageStore(archives, root);
    const containerd = await startContainerd(folder, { root, state, cni });
    parts.containerd = containerd;
    // Inherited by pods, which are the longest chain of a test run and therefore have priority.
    setPriority(containerd.process.pid, osConstants.priority.PRIORITY_ABOVE_NORMAL);
    const joinCluster = async (kubeconfig: string): Promise<void> => {
      writeFileSync(join(folder, 'kubelet.json'), kubeletConfig(options, containerd.socket));
      parts.kubelet = background(await kubeBinary(), ['kubelet', ...kubeletFlags(options, kubeconfig)], {
        log: join(folder, 'kubelet.log'),
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      });
    };
    return { name, join: joinCluster, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

const stopContainerd = async ({ ctr, process, socket }: Containerd): Promise<void> => {
  await removeContainers(ctr);
  await process.stop();
  await killShims(socket);
};

const removeContainers = async (ctr: Containerd['ctr']): Promise<void> => {
  try {
    const running = (await ctr('tasks', 'list', '-q')).split('\n').filter((id) => id !== '');
    await Promise.all(running.map((id) => ctr('tasks', 'kill', '-s', 'SIGKILL', '-a', id).catch(() => {}))); // Already ended.
    const left = async () => ((await ctr('tasks', 'list')).includes('RUNNING') ? undefined : true);
    await eventually('containers to end', left, 10_000);
  } catch {
    // containerd no longer responds; its shims are killed below.
  }
};
