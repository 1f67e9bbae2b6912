/** What a killed test cluster leaves behind, and how each kind is removed. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupOf, removeCgroup } from './cgroups.ts';
import { kubernetesServiceAddress } from './control-plane.ts';
import { nodeLabels } from './hardware.ts';
import { run } from './run.ts';

export const folderPrefix = 'tlt-test-cluster-';

/** Sockets need short paths, so every name outside the folder of a cluster starts with this. */
export const runFolder = '/run/tlt-test';

/** Removes everything that a test cluster left behind, found by its fixed names. Safe to call if there is nothing. */
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
  for (const name of Object.keys(nodeLabels)) removeCgroup(cgroupOf(name));
};

/**
 * A network namespace is removed with its mount, a veth pair with its namespace, and an address on loopback by name.
 */
const removeNetwork = async (): Promise<void> => {
  const namespaces = (await run('ip', ['netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  for (const name of namespaces.filter((known) => known.startsWith('cni-')))
    await run('ip', ['netns', 'delete', name]).catch(() => {}); // Already removed.
  await run('ip', ['address', 'delete', `${kubernetesServiceAddress}/32`, 'dev', 'lo']).catch(() => {}); // Not set.
};

/** A shim outlives its containerd on purpose; it is found by the socket in its command line. */
export const killShims = async (socket: string): Promise<void> => {
  await run('pkill', ['-KILL', '-f', `containerd-shim-runc-v2 .*${socket}`]).catch(() => {}); // None was left.
};

/** Deepest first, so that no mount hides another one. */
export const unmountBelow = async (folders: readonly string[]): Promise<void> => {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .sort((a, b) => b.length - a.length);
  for (const point of points) await run('umount', ['-l', point]).catch(() => {}); // Unmounted with its parent.
};
