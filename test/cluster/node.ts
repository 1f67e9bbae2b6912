/** One node: a kubelet with its own containerd, folders, sockets and cgroups. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants as osConstants, setPriority } from 'node:os';
import { join } from 'node:path';
import { containerdFolder, kubeBinary } from './binaries.ts';
import { makeCgroup, removeCgroup } from './cgroups.ts';
import { killShims, runFolder, unmountBelow } from './clean-up.ts';
import {
  containerdConfig,
  kubeletConfig,
  kubeletFlags,
  type NodeOptions,
  networkConfig,
} from './node-config.ts';
import { type Background, background, eventually, run } from './run.ts';

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
  for (const path of [join(folder, 'kubelet'), join(folder, 'cni'), state])
    mkdirSync(path, { recursive: true });
  makeCgroup(name);
  const tools = await containerdFolder();
  const socket = join(state, 'containerd.sock');
  const ctr = (...args: string[]) =>
    run(join(tools, 'ctr'), ['--address', socket, '--namespace', 'k8s.io', ...args]);
  const parts: Background[] = [];
  const start = (program: string, command: string, args: readonly string[]): Background => {
    const env = { PATH: `${tools}:/usr/sbin:/usr/bin:/sbin:/bin` };
    const part = background(command, args, { log: join(folder, `${program}.log`), env });
    parts.push(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    await parts[1]?.stop();
    await removeContainers(ctr);
    await parts[0]?.stop();
    await killShims(socket);
    await unmountBelow([folder, state]);
    rmSync(state, { recursive: true, force: true });
    removeCgroup(name);
  };
  const joinCluster = async (kubeconfig: string): Promise<void> => {
    writeFileSync(join(folder, 'kubelet.json'), kubeletConfig(options, socket));
    start('kubelet', await kubeBinary(), ['kubelet', ...kubeletFlags(options, kubeconfig)]);
  };
  try {
    writeFileSync(join(folder, 'containerd.toml'), containerdConfig(options, state));
    writeFileSync(join(folder, 'cni', '10-ptp.conflist'), networkConfig(options));
    const config = ['--config', join(folder, 'containerd.toml')];
    const { pid } = start('containerd', join(tools, 'containerd'), config);
    // Inherited by pods, which are the longest chain of a test run and therefore have priority.
    setPriority(pid, osConstants.priority.PRIORITY_ABOVE_NORMAL);
    await eventually(`containerd of ${name}`, async () => ((await ctr('version')) ? true : undefined));
    for (const archive of archives) await ctr('images', 'import', '--local', archive);
    await nameByDigest(ctr);
    return { name, join: joinCluster, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

/** As pulled from a registry: an imported image has only a tag, so pods that pin a digest could not run. */
const nameByDigest = async (ctr: (...args: string[]) => Promise<string>): Promise<void> => {
  const [, ...lines] = (await ctr('images', 'list')).trim().split('\n');
  for (const line of lines) {
    const [name = '', , digest] = line.split(/\s+/);
    const repository = name.slice(0, name.lastIndexOf(':'));
    if (!name.includes('@')) await ctr('images', 'tag', '--force', name, `${repository}@${digest}`);
  }
};

const removeContainers = async (ctr: (...args: string[]) => Promise<string>): Promise<void> => {
  try {
    const running = (await ctr('tasks', 'list', '-q')).split('\n').filter((id) => id !== '');
    await Promise.all(running.map((id) => ctr('tasks', 'kill', '-s', 'SIGKILL', '-a', id).catch(() => {}))); // Already ended.
    const left = async () => ((await ctr('tasks', 'list')).includes('RUNNING') ? undefined : true);
    await eventually('containers to end', left, 10_000);
  } catch {
    // containerd no longer responds; its shims are killed below.
  }
};
