/** Finds stored artifacts by the manifests of a folder. */
import { basename, dirname } from 'node:path';
import { UserError } from '../../ground/base/errors.ts';
import { type ArtifactChoice, filesOfArtifact } from '../../ground/contract/artifact-names.ts';
import { artifactFiles, enginesFolder, fileIn, numberFile } from '../../ground/contract/layout.ts';
import { type Manifest, parseManifest } from '../../ground/contract/manifest.ts';
import type { StoredCopy, StoredPlace } from './stored-place.ts';

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
export const findStoredFiles = async (
  place: StoredPlace,
  request: StoredRequest,
): Promise<readonly StoredCopy[]> => {
  const { source, deviceClass, sha256 } = request;
  const works = await readWorks(
    place,
    deviceClass === undefined ? [source] : await listEngines(place, source, deviceClass),
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
export const findStoredFile = async (
  place: StoredPlace,
  { source, sha256 }: Pick<StoredRequest, 'source' | 'sha256'>,
): Promise<StoredCopy> => {
  const name = basename(source);
  const listed = (await readWorks(place, [dirname(source)])).flatMap(({ manifest: { files } }) =>
    Object.hasOwn(files, name) ? [files[name]!] : [],
  )[0];
  if (sha256 !== undefined) return { path: source, sha256 };
  if (listed !== undefined) return { path: source, ...listed };
  throw new UserError(
    'Usage',
    `Fetching ${source}: no ${artifactFiles.manifest} next to it lists its digest. Pass --digest sha256:….`,
  );
};

const listEngines = async (
  place: StoredPlace,
  source: string,
  deviceClass: string,
): Promise<readonly string[]> => {
  const folder = fileIn(source, `${enginesFolder}/${deviceClass}`);
  return (await place.list(folder)).map((key) => fileIn(folder, key));
};

const readWorks = async (place: StoredPlace, folders: readonly string[]): Promise<readonly Work[]> => {
  const works: Work[] = [];
  for (const folder of folders) {
    const names = new Set(await place.list(folder));
    for (let n = 1; names.has(numberFile(artifactFiles.manifest, n)); n++) {
      const bytes = await place.readManifest(fileIn(folder, numberFile(artifactFiles.manifest, n)));
      const manifest = bytes && parseManifest(Buffer.from(bytes).toString('utf8'));
      if (manifest) works.push({ folder, manifest });
    }
  }
  return works;
};

const copiesOf = (
  { folder, manifest }: Work,
  { what = manifest.result.kind === 'EngineBuilt' ? 'engine' : 'etlt' }: StoredRequest,
): readonly StoredCopy[] =>
  filesOfArtifact(manifest, what).map((name) => ({ path: fileIn(folder, name), ...manifest.files[name]! }));

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
      `Fetching from ${source}: no manifest in it lists ${wanted.join(' ')}. Name the folder of an export or of an engine, as status does, and check that its claim is mounted, or its bucket.`,
    );
  }
  if (second === undefined) return first;
  const choices = distinct.map(([file]) => `${file!.path} (sha256:${file!.sha256})`).join(', ');
  throw new UserError(
    'Usage',
    `Fetching from ${source}: ${distinct.length} files fit: ${choices}. Choose one by --digest.`,
  );
};
