/** What a cluster of ours leaves behind if it is killed, and how each kind of it goes. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeCgroup } from './cgroups.ts';
import { kubernetesServiceAddress } from './control-plane.ts';
import { nodeLabels } from './hardware.ts';
import { run } from './run.ts';

export const folderPrefix = 'tlt-test-cluster-';

/** Sockets need short paths; everything of a cluster that is not below its folder starts with this. */
export const runFolder = '/run/tlt-test';

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

/** A shim outlives its containerd on purpose; it is known by the socket on its command line. */
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
  for (const point of points) await run('umount', ['-l', point]).catch(() => {}); // Went with the one above it.
};
