/** Docker's programs and a registry, from Debian's packages, in the cache alone: nothing is installed, and no service starts. */
import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

const packages = [
  'containerd',
  'docker.io',
  'docker-registry',
  'libdevmapper1.02.1',
  'libslirp0',
  'slirp4netns',
  'tini',
];

/** A folder with the files of the packages. It needs Debian, and the lists of its packages. */
export const dockerFolder = (): Promise<string> =>
  cached('docker-bookworm', async (path) => {
    mkdirSync(path);
    const debs = `${path}.debs`;
    mkdirSync(debs);
    await run('apt-get', ['update', '--quiet'], { label: 'reading the package lists of Debian' });
    const unsandboxed = ['--option', 'APT::Sandbox::User=root'];
    await run('apt-get', ['download', ...unsandboxed, ...packages], {
      cwd: debs,
      label: "downloading Debian's packages of Docker (first run only)",
    });
    for (const file of globSync('*.deb', { cwd: debs })) await run('dpkg', ['-x', join(debs, file), path]);
  });
