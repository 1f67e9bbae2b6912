/** A real Docker with a registry, which leave nothing on the machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCgroup, removeCgroup } from '../cluster/cgroups.ts';
import { background, eventually, run } from '../cluster/run.ts';
import { dockerFolder } from './programs.ts';

const cgroup = 'tlt-docker';

export type Docker = {
  /** Path of the program `docker`. */
  readonly client: string;
  /** What the client needs to find the daemon. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs one command; `label` shows its progress. */
  readonly docker: (args: readonly string[], label?: string) => Promise<string>;
  readonly stop: () => Promise<void>;
};

/** Needs root. BuildKit builds, as it does by default from Docker 23 on. */
export const startDocker = async (): Promise<Docker> => {
  const programs = await dockerFolder();
  const at = (...names: string[]) => join(programs, ...names);
  const folder = mkdtempSync(join(tmpdir(), 'tlt-docker-'));
  const script = join(import.meta.dirname, 'daemon.sh');
  makeCgroup(cgroup);
  const words = ['--net', '--mount', 'sh', script, programs, folder, cgroup];
  const daemon = background('unshare', words, { log: join(folder, 'log') });
  const client = at('usr/bin/docker');
  const env = { DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`, DOCKER_BUILDKIT: '1' };
  const docker: Docker['docker'] = (args, label) =>
    run(client, args, { env, ...(label !== undefined && { label }) });
  const flags = ['--configure', '--mtu=65520', '--disable-host-loopback', `${daemon.pid}`, 'tap0'];
  await eventually('Docker', async () => (await docker(['version'])) || undefined, 30_000);
  const network = background(at('usr/bin/slirp4netns'), flags, {
    log: join(folder, 'network.log'),
    env: { LD_LIBRARY_PATH: at('usr/lib/x86_64-linux-gnu') },
  });
  const stop = async (): Promise<void> => {
    await network.stop();
    await daemon.stop();
    rmSync(folder, { recursive: true, force: true });
    removeCgroup(cgroup);
  };
  return { client, env, docker, stop };
};
