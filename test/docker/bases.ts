/** The bases that the pages name, in the registry: local images under those names. */
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { aFolder } from '../builders/tool.ts';
import { localBases } from '../cluster/images.ts';
import { buildah } from '../supply/image-build.ts';
import { standInArchive, standInImage } from '../tensorrt/stand-in-images.ts';
import type { Docker } from './daemon.ts';

const names = {
  build: 'docker.io/library/node:24-bookworm',
  runtime: 'gcr.io/distroless/cc-debian12',
  tensorrt: 'nvcr.io/nvidia/tensorrt:24.08-py3',
} as const;

/** Where the registry has an image: that of Docker Hub has a mirror. */
const placeOf = (name: string): string => name.replace('docker.io/', 'registry.example.com/');

/** Pushes a loaded image under a name of the pages; returns its digest. */
const push = async ({ docker }: Docker, image: string, name: string): Promise<string> => {
  await docker(['tag', image, placeOf(name)]);
  const answer = await docker(['push', placeOf(name)], `pushing ${name}`);
  const [digest] = /sha256:[0-9a-f]{64}/.exec(answer) ?? [];
  if (digest === undefined) throw new Error(`docker push ${name}: ${answer}`);
  await docker(['rmi', placeOf(name)]); // It is pulled by its digest.
  return digest;
};

const load = async ({ docker }: Docker, image: string): Promise<string> => {
  const archive = join(aFolder(), 'image.tar');
  await buildah(['push', '--quiet', image, `docker-archive:${archive}:${image}`], `writing ${image}`);
  await docker(['load', '--input', archive], `loading ${image}`);
  return image;
};

/** The build base with this machine's certificates, which a registry of packages may need. */
const trustHost = async ({ docker }: Docker, base: string): Promise<string> => {
  const bundle = process.env.SSL_CERT_FILE ?? '/etc/ssl/certs/ca-certificates.crt';
  if (!existsSync(bundle)) return base;
  const folder = aFolder();
  copyFileSync(bundle, join(folder, 'ca.crt'));
  const settings = 'ENV NODE_EXTRA_CA_CERTS=/etc/host-ca.crt PIP_CERT=/etc/host-ca.crt';
  writeFileSync(join(folder, 'Dockerfile'), `FROM ${base}\nCOPY ca.crt /etc/host-ca.crt\n${settings}\n`);
  await docker(['build', '--tag', 'localhost/build-base', folder], 'adding certificates to the build base');
  return 'localhost/build-base';
};

/** Like NVIDIA's container: a shell, Python and the module, which is the stand-in. */
const addStandIn = async ({ docker }: Docker, base: string): Promise<string> => {
  await docker(['load', '--input', await standInArchive()], 'loading the stand-in of TensorRT');
  const lines = [
    `FROM ${standInImage('10.7')} AS stand-in`,
    `FROM ${base}`,
    'COPY --from=stand-in /opt/stand-in /opt/stand-in',
    'ENV PYTHONPATH=/opt/stand-in',
  ];
  const folder = aFolder();
  writeFileSync(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`);
  await docker(['build', '--tag', 'localhost/tensorrt-base', folder], 'adding the stand-in to a base');
  return 'localhost/tensorrt-base';
};

/** Fills the registry. Returns the text of a page with the digests of its bases in place of `sha256:…`. */
export const publishBases = async (daemon: Docker): Promise<(text: string) => string> => {
  const bases = await localBases();
  const build = await load(daemon, bases.build);
  const digests = {
    build: await push(daemon, await trustHost(daemon, build), names.build),
    runtime: await push(daemon, await load(daemon, bases.runtime), names.runtime),
    tensorrt: await push(daemon, await addStandIn(daemon, build), names.tensorrt),
  };
  return (text) =>
    Object.entries(names).reduce(
      (filled, [base, name]) =>
        filled.replaceAll(`${name}@sha256:…`, `${name}@${digests[base as keyof typeof names]}`),
      text,
    );
};
