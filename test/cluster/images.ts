/**
 * Images for a cluster without a registry: a local base, our Dockerfile built by buildah, and archives for containerd.
 * Each is built once per content of its inputs.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Bases, buildah, buildImage } from '../supply/image-build.ts';
import { cached, cacheFolder, digestOf } from './cache.ts';
import { pauseImage } from './node-config.ts';
import { run } from './run.ts';

const root = join(import.meta.dirname, '..', '..');

export const images = {
  worker: 'docker.io/library/tlt-export-operator:dev',
  rtx: 'docker.io/library/tlt-export-tensorrt-rtx:dev',
} as const;

/** Archives of the operator image and the builder image. */
export const buildImages = async (): Promise<readonly [string, string]> => {
  const bases = await localBases();
  const worker = await target('operator', images.worker, imageSources, bases);
  const driver = ['Dockerfile', 'requirements', 'src/sbom.ts', 'src/licences.ts', 'src/supply'];
  const rtx = await target('tensorrt-rtx', images.rtx, driver, bases);
  return [worker, rtx];
};

/** What the Dockerfile copies from the checkout, and itself. */
export const imageSources = [
  'Dockerfile',
  'LICENSE',
  'requirements',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'src',
];

/** This machine's certificates and package client settings, for the build. */
export const hostSettings = (): readonly string[] => {
  const bundle = process.env.SSL_CERT_FILE ?? '/etc/ssl/certs/ca-certificates.crt';
  if (!existsSync(bundle)) return [];
  const folder = join(cacheFolder(), 'host-settings');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'npmrc'),
    'cafile=/run/host-ca.crt\naudit=false\nfund=false\nupdate-notifier=false\n',
  );
  writeFileSync(join(folder, 'pip.conf'), '[global]\ncert = /run/host-ca.crt\n');
  const npmCache = join(homedir(), '.npm');
  mkdirSync(npmCache, { recursive: true });
  const mounts = [
    `${bundle}:/run/host-ca.crt:ro`,
    `${folder}/npmrc:/root/.npmrc:ro`,
    `${folder}/pip.conf:/etc/pip.conf:ro`,
    `${npmCache}:/root/.npm`,
  ];
  return mounts.flatMap((mount) => ['--volume', mount]);
};

/** Built under a tag of its content, so that other checkouts can build at the same time. */
const target = (name: string, tag: string, sources: readonly string[], bases: Bases): Promise<string> => {
  const digest = digestOf(root, sources, JSON.stringify(bases));
  const built = `${tag}-${digest}`;
  return cached(`image-${name}-${digest}.tar`, async (path) => {
    await buildImage({ target: name, tag: built, bases, context: root, epoch: 0, options: hostSettings() });
    await buildah(['push', '--quiet', built, `docker-archive:${path}:${tag}`], `writing image ${tag}`);
  });
};

const debian = 'bookworm';

/** As in docker.io/library/node: next to `bin`. */
const nodeLicence = `node_modules/node/node_modules/node-linux-${process.arch}/LICENSE`;

/**
 * Debian with Node, npm and Python for building; for running, only what Node and onnxruntime load of the same Debian.
 */
export const localBases = async (): Promise<Bases> => {
  const version = digestOf(root, ['test/cluster/runtime-files.txt', 'node_modules/node/package.json']);
  const bases = {
    build: `localhost/tlt-test-build-base:${version}`,
    runtime: `localhost/tlt-test-base:${version}`,
  };
  await cached(`bases-${version}`, async (marker) => {
    const rootfs = await debianFolder();
    await importFolder(rootfs, bases.build);
    const slim = `${marker}.slim`;
    await slimCopy(rootfs, slim);
    await importFolder(slim, bases.runtime);
    writeFileSync(marker, '');
  });
  return bases;
};

/** Debian with Python, Node and npm, as a folder. */
export const debianFolder = (): Promise<string> =>
  cached(
    `debian-${debian}-${digestOf(root, ['node_modules/node/package.json', nodeLicence])}`,
    async (path) => {
      const packages = 'ca-certificates,libstdc++6,python3,python3-pip,python3-venv';
      const flags = ['--variant=minbase', `--include=${packages}`, debian, path];
      await run('debootstrap', flags, {
        label: `installing Debian ${debian} for the image build (first run only)`,
      });
      cpSync(join(root, 'node_modules/node/bin/node'), join(path, 'usr/local/bin/node'));
      cpSync(join(root, nodeLicence), join(path, 'usr/local/LICENSE'));
      await installNpm(path);
    },
  );

/** npm is plain JavaScript, so the copy of this machine serves the build. */
const installNpm = async (rootfs: string): Promise<void> => {
  const globalModules = (await run('npm', ['root', '--global'])).trim();
  cpSync(join(globalModules, 'npm'), join(rootfs, 'usr/local/lib/node_modules/npm'), { recursive: true });
  await run('ln', ['-sf', '../lib/node_modules/npm/bin/npm-cli.js', join(rootfs, 'usr/local/bin/npm')]);
  await run('ln', ['-sf', '../lib/node_modules/npm/bin/npx-cli.js', join(rootfs, 'usr/local/bin/npx')]);
};

/** Patterns of what a runtime base keeps of Debian. */
export const runtimeFiles = (): readonly string[] =>
  readFileSync(join(root, 'test/cluster/runtime-files.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** Copies the listed files and folders; a base this small has no shell and no package manager. */
const slimCopy = async (rootfs: string, slim: string): Promise<void> => {
  rmSync(slim, { recursive: true, force: true });
  mkdirSync(slim, { recursive: true });
  const copy = `cd "$1" && tar --wildcards -cf - ${runtimeFiles().join(' ')} | tar -xf - -C "$2"`;
  await run('sh', ['-c', copy, 'sh', rootfs, slim]);
  keepStatus(rootfs, slim);
  for (const folder of ['tmp', 'run', 'proc', 'sys', 'dev', 'app', 'work', 'mnt'])
    mkdirSync(join(slim, folder), { recursive: true });
};

/** The packages of these files; distroless images name theirs in the same way. */
const runtimePackages = ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6', 'tzdata'];

const keepStatus = (rootfs: string, slim: string): void => {
  const folder = join(slim, 'var/lib/dpkg/status.d');
  mkdirSync(folder, { recursive: true });
  const paragraphs = readFileSync(join(rootfs, 'var/lib/dpkg/status'), 'utf8').split('\n\n');
  for (const name of runtimePackages) {
    const paragraph = paragraphs.find((each) => each.startsWith(`Package: ${name}\n`));
    writeFileSync(join(folder, name), `${paragraph}\n`);
  }
};

const importFolder = async (folder: string, tag: string): Promise<void> => {
  const container = (await buildah(['from', 'scratch'], `importing ${tag}`)).trim();
  await buildah(['copy', '--quiet', container, folder, '/']);
  await buildah([
    'config',
    '--env',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    container,
  ]);
  await buildah(['commit', '--quiet', container, tag]);
  await buildah(['rm', container]);
};

/** The image of deploy/samples/fill-claims.yaml. Its content is Debian's busybox, with links for the programs used. */
export const busyboxArchive = (): Promise<string> =>
  cached('image-busybox-v1.tar', async (path) => {
    const folder = `${path}.folder`;
    mkdirSync(join(folder, 'bin'), { recursive: true });
    cpSync('/bin/busybox', join(folder, 'bin/busybox'), { dereference: true });
    for (const name of ['sh', 'sleep', 'tar']) symlinkSync('busybox', join(folder, 'bin', name));
    const tag = 'docker.io/library/busybox:1.37';
    await importFolder(folder, tag);
    await buildah(['push', '--quiet', tag, `docker-archive:${path}:${tag}`]);
  });

export const pauseArchive = (): Promise<string> =>
  cached(`image-pause-${digestOf(root, ['test/cluster/pause'])}.tar`, async (path) => {
    const folder = `${path}.folder`;
    mkdirSync(folder, { recursive: true });
    await run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(folder, 'pause'), 'pause.go'], {
      cwd: join(root, 'test/cluster/pause'),
      env: { CGO_ENABLED: '0', GO111MODULE: 'off' },
    });
    const container = (await buildah(['from', 'scratch'])).trim();
    await buildah(['copy', '--quiet', container, join(folder, 'pause'), '/pause']);
    await buildah(['config', '--entrypoint', '["/pause"]', container]);
    await buildah(['commit', '--quiet', container, pauseImage]);
    await buildah(['push', '--quiet', pauseImage, `docker-archive:${path}:${pauseImage}`]);
  });
