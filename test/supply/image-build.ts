/** Builds an image of the Dockerfile by buildah so that the same sources and bases give the same bytes. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

export type Bases = { readonly build: string; readonly runtime: string };

export type ImageBuild = {
  readonly target: string;
  readonly tag: string;
  readonly bases: Bases;
  /** Folder with Dockerfile and sources. */
  readonly context: string;
  /** Seconds since 1970: the time of the image and of every file that the build adds. */
  readonly epoch: number;
  /** Build every step again. */
  readonly fresh?: boolean;
  readonly options?: readonly string[];
};

/** Runs buildah with a storage of its own in the cache of the tests. */
export const buildah = (args: readonly string[], label?: string): Promise<string> =>
  run('buildah', ['--storage-driver', 'overlay', '--root', join(cacheFolder(), 'containers'), ...args], {
    ...(label !== undefined && { label }),
  });

const isLocal = ({ build, runtime }: Bases): boolean =>
  [build, runtime].every((reference) => reference.startsWith('localhost/'));

/** Builds an image under its tag. Throws what buildah reports if it fails. */
export const buildImage = async (build: ImageBuild): Promise<void> => {
  const { target, tag, bases, context, epoch, fresh = false, options = [] } = build;
  const args = [
    ...['bud', '--isolation', 'chroot', '--layers', '--target', target, '--tag', tag],
    ...(isLocal(bases) ? ['--pull-never'] : []),
    ...['--timestamp', String(epoch), ...(fresh ? ['--no-cache'] : [])],
    ...['--build-arg', `BUILD_BASE=${bases.build}`, '--build-arg', `BASE=${bases.runtime}`],
    ...options,
    context,
  ];
  await buildah(args, `building image ${tag}`);
};

export type Built = {
  /** Digest of the configuration, which has the digest of every layer: equal for images with equal bytes. */
  readonly id: string;
  /** Digests of the uncompressed layers, from the base on. */
  readonly layers: readonly string[];
  /** Steps of the Dockerfile that made the layers. */
  readonly steps: readonly string[];
};

type Inspected = {
  readonly FromImageID: string;
  readonly OCIv1: {
    readonly rootfs: { readonly diff_ids: readonly string[] };
    readonly history: readonly { readonly created_by?: string; readonly empty_layer?: boolean }[];
  };
};

export const inspectImage = async (tag: string): Promise<Built> => {
  const { FromImageID, OCIv1 } = JSON.parse(await buildah(['inspect', '--type', 'image', tag])) as Inspected;
  const steps = OCIv1.history.filter(({ empty_layer }) => !empty_layer).map((each) => each.created_by ?? '');
  return { id: `sha256:${FromImageID}`, layers: OCIv1.rootfs.diff_ids, steps };
};

/** Writes the image as an OCI archive. */
export const writeImage = async (tag: string, path: string): Promise<void> => {
  mkdirSync(dirname(path), { recursive: true });
  await buildah(['push', '--quiet', '--format', 'oci', tag, `oci-archive:${path}`], `writing image ${tag}`);
};
