/** A containerd of the tests, and its client. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerdFolder } from './binaries.ts';
import { type ContainerdOptions, containerdConfig } from './node-config.ts';
import { type Background, background, eventually, run } from './run.ts';

export interface Containerd {
  readonly process: Background;
  readonly socket: string;
  /** Runs `ctr` in the namespace of the kubelet. */
  ctr(...args: readonly string[]): Promise<string>;
}

/** Resolves once it answers. Its configuration and its log are in `folder`. */
export const startContainerd = async (folder: string, options: ContainerdOptions): Promise<Containerd> => {
  const tools = await containerdFolder();
  const socket = join(options.state, 'containerd.sock');
  const ctr = (...args: readonly string[]) =>
    run(join(tools, 'ctr'), ['--address', socket, '--namespace', 'k8s.io', ...args]);
  const config = join(folder, 'containerd.toml');
  writeFileSync(config, containerdConfig(options));
  const process = background(join(tools, 'containerd'), ['--config', config], {
    log: join(folder, 'containerd.log'),
    env: { PATH: `${tools}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  try {
    await eventually(`containerd of ${folder}`, async () => ((await ctr('version')) ? true : undefined));
  } catch (thrown) {
    await process.stop();
    throw thrown;
  }
  return { process, socket, ctr };
};
