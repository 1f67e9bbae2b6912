/** Finds stored artifacts by the manifests of a folder. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { openReadable } from '../../ground/base/readable.ts';
import type { ExpectedContent } from '../../ground/base/verified-chunks.ts';
import { type ArtifactChoice, filesOfArtifact } from '../../ground/contract/artifact-names.ts';
import { artifactFiles, enginesFolder, numberFile } from '../../ground/contract/layout.ts';
import { type Manifest, manifestLimitBytes, parseManifest } from '../../ground/contract/manifest.ts';

/** A file, and what its content must be. */
export type StoredCopy = ExpectedContent & { readonly path: string };

/** What the command line says about the artifact. */
export type StoredRequest = {
  readonly source: string;
  /** The engine of this device class, below the source. */
  readonly deviceClass: string | undefined;
  readonly what: ArtifactChoice | undefined;
  readonly sha256: string | undefined;
};

type Work = { readonly folder: string; readonly manifest: Manifest };

/**
 * The files of the one work that fits the request.
 * @throws UserError InputNotFound if none fits; Usage if several do
 */
export const findStoredFiles = async (request: StoredRequest): Promise<readonly StoredCopy[]> => {
  const { source, deviceClass, sha256 } = request;
  const works = await readWorks(
    deviceClass === undefined ? [source] : await listEngines(source, deviceClass),
  );
  const copies = works
    .map((work) => copiesOf(work, request))
    .filter((files) => files.length > 0)
    .filter((files) => sha256 === undefined || files.some((file) => file.sha256 === sha256));
  return requireOne(copies, request);
};

/**
 * The file itself. Its digest is that of the request, or that of the manifest next to it.
 * @throws UserError Usage if there is neither
 */
export const findStoredFile = async ({
  source,
  sha256,
}: Pick<StoredRequest, 'source' | 'sha256'>): Promise<StoredCopy> => {
  const name = basename(source);
  const listed = (await readWorks([dirname(source)])).flatMap(({ manifest: { files } }) =>
    Object.hasOwn(files, name) ? [files[name]!] : [],
  )[0];
  if (sha256 !== undefined) return { path: source, sha256 };
  if (listed !== undefined) return { path: source, ...listed };
  throw new UserError(
    'Usage',
    `Fetching ${source}: no ${artifactFiles.manifest} next to it lists its digest. Pass --digest sha256:….`,
  );
};

const listEngines = async (source: string, deviceClass: string): Promise<readonly string[]> => {
  const folder = join(source, enginesFolder, deviceClass);
  return (await listNames(folder)).map((key) => join(folder, key));
};

/** Empty for a folder that does not exist. */
const listNames = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).sort();
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(thrown) ?? '')) return [];
    throw thrown;
  }
};

const readWorks = async (folders: readonly string[]): Promise<readonly Work[]> => {
  const works: Work[] = [];
  for (const folder of folders) {
    const names = new Set(await listNames(folder));
    for (let n = 1; names.has(numberFile(artifactFiles.manifest, n)); n++) {
      const manifest = readManifest(join(folder, numberFile(artifactFiles.manifest, n)));
      if (manifest) works.push({ folder, manifest });
    }
  }
  return works;
};

const readManifest = (path: string): Manifest | undefined => {
  using file = openReadable(path);
  return file.size > manifestLimitBytes
    ? undefined
    : parseManifest(Buffer.from(file.whole()).toString('utf8'));
};

const copiesOf = (
  { folder, manifest }: Work,
  { what = manifest.result.kind === 'EngineBuilt' ? 'engine' : 'etlt' }: StoredRequest,
): readonly StoredCopy[] =>
  filesOfArtifact(manifest, what).map((name) => ({ path: join(folder, name), ...manifest.files[name]! }));

const requireOne = (
  found: readonly (readonly StoredCopy[])[],
  { source, deviceClass, what, sha256 }: StoredRequest,
): readonly StoredCopy[] => {
  // Work that was repeated after a file was lost can have the same content.
  const distinct = [
    ...new Map(found.map((files) => [files.map((file) => file.sha256).join(), files])).values(),
  ];
  const [first, second] = distinct;
  if (first === undefined) {
    const wanted = [
      what === undefined ? 'an artifact' : `'${what}'`,
      ...(deviceClass === undefined ? [] : [`of device class ${deviceClass}`]),
      ...(sha256 === undefined ? [] : [`with sha256 ${sha256}`]),
    ];
    throw new UserError(
      'InputNotFound',
      `Fetching from ${source}: no manifest in it lists ${wanted.join(' ')}. Name the folder of an export or of an engine, as status does, and check that its claim is mounted.`,
    );
  }
  if (second === undefined) return first;
  const choices = distinct.map(([file]) => `${file!.path} (sha256:${file!.sha256})`).join(', ');
  throw new UserError(
    'Usage',
    `Fetching from ${source}: ${distinct.length} files fit: ${choices}. Choose one by --digest.`,
  );
};
