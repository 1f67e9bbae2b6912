/**
 * Prepares the machine for `npm test`, or with `--cluster` for clusters, too: installs missing Debian packages, and builds
 * once what takes minutes, with visible progress and outside the time limits of tests.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { containerdFolder, kubeBinary } from './cluster/binaries.ts';
import { foreignCrds, gitopsRunner, helmBinary, kueueFolder, s3ServerBinary } from './cluster/go-tools.ts';
import { buildImages } from './cluster/images.ts';
import { run } from './cluster/run.ts';
import { peerPython } from './peers/venv.ts';
import { photosFolder } from './photos/photos.ts';
import { readableVersions, readBindings } from './tensorrt/bindings.ts';
import { rtxEnvironment, rtxReleases } from './tensorrt/releases.ts';
import { standInArchive } from './tensorrt/stand-in-images.ts';

/** Program → the Debian package that has it. */
const programs: Readonly<Record<string, string>> = {
  go: 'golang',
  kubectl: 'kubectl',
  runc: 'runc',
  buildah: 'buildah',
  debootstrap: 'debootstrap',
  iptables: 'iptables',
  ip: 'iproute2',
  pkill: 'procps',
  age: 'age',
  chromium: 'chromium',
  openssl: 'openssl',
  gcc: 'gcc',
  readelf: 'binutils',
  python3: 'python3-venv',
  prometheus: 'prometheus',
  busybox: 'busybox-static',
  jq: 'jq',
  script: 'bsdutils',
  zsh: 'zsh',
};

const found = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) =>
    existsSync(`${folder}/${program}`),
  );

const missing = Object.entries(programs).flatMap(([program, name]) => (found(program) ? [] : [name]));
if (!existsSync('/usr/lib/cni/ptp')) missing.push('containernetworking-plugins');

if (missing.length > 0) {
  if (process.getuid?.() !== 0 || !found('apt-get')) {
    process.stderr.write(
      `these programs are missing, and only root on Debian can have them installed here: ${missing.join(', ')}\n`,
    );
    process.exit(1);
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '--quiet'], { env, label: 'reading the package lists of Debian' });
  await run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing], {
    env,
    label: `installing ${missing.join(', ')}`,
  });
}

/** The first that downloads the version that a module asks for. */
const leastGoMinor = 21;
const [goVersion = '', minor] = /go1\.(\d+)\S*/.exec(await run('go', ['version'])) ?? [];
if (Number(minor) < leastGoMinor) {
  process.stderr.write(
    `Kubernetes is built with Go 1.${leastGoMinor} or later, and the first go in PATH is ${goVersion}: install a newer one from https://go.dev/dl\n`,
  );
  process.exit(1);
}

await kubeBinary();
await helmBinary();
await gitopsRunner();
await s3ServerBinary();
await peerPython();
await photosFolder();
await Promise.all(readableVersions.map(readBindings));
for (const release of rtxReleases) await rtxEnvironment(release);
if (process.argv.includes('--cluster')) {
  await foreignCrds('gitops');
  await foreignCrds('monitoring');
  await kueueFolder();
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    await containerdFolder();
    await buildImages();
    await standInArchive();
  }
}
