/**
 * Finished work is known by its manifest: the same digests went in, so the same artifacts would come out. A manifest is
 * a file that others can write, so it counts only if each file that it names is in its folder with its digest. A folder
 * can hold several works, each with its own files and manifest: a file behind a URI was replaced, or the key.
 */
import { stat } from 'node:fs/promises';
import { canonicalJson, fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { artifactFiles, fileIn, numbered } from '../../ground/contract/layout.ts';
import { type Manifest, manifestLimitBytes, parseManifest } from '../../ground/contract/manifest.ts';
import type { Source } from '../../ground/contract/task.ts';
import type { ArtifactStore, Stored } from '../storage/store.ts';
import { readHanded } from './handed-file.ts';

export type Wanted<R extends Manifest['result'] = Manifest['result']> = {
  readonly kind: R['kind'];
  /** URI of the artifact folder. */
  readonly folder: string;
  /** Digests of what goes in. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether files that are whole are also of use, for example open with the present key. */
  readonly isUsable?: (result: R) => Promise<boolean>;
  readonly signal: AbortSignal;
};

/** The result that the earlier run reported, or undefined if there is none of the same inputs that is whole. */
export const finishedWork = async <R extends Manifest['result']>(
  store: ArtifactStore,
  wanted: Wanted<R>,
): Promise<R | undefined> => {
  const names = new Set(await store.list(wanted.folder, wanted.signal));
  for (let n = 1; names.has(manifestName(n)); n++) {
    const found = await workOf(store, wanted, n);
    if (found) return found;
  }
  return undefined;
};

export const manifestName = (n: number): string => numbered(artifactFiles.manifest, n);

/** The result in the n-th manifest of the folder, as `finishedWork`. */
export const workOf = async <R extends Manifest['result']>(
  store: ArtifactStore,
  { kind, folder, inputs, isUsable, signal }: Wanted<R>,
  n: number,
): Promise<R | undefined> => {
  const manifest = await readManifest(store, fileIn(folder, manifestName(n)), signal);
  if (manifest === undefined || canonicalJson(manifest.inputs) !== canonicalJson(inputs)) return undefined;
  for (const [name, expected] of Object.entries(manifest.files)) {
    const path = await fetchIfPresent(store, fileIn(folder, name), signal);
    if (path === undefined || !(await isFile(path, expected))) return undefined;
  }
  if (manifest.result.kind !== kind) return undefined;
  const result = manifest.result as R;
  return (await isUsable?.(result)) === false ? undefined : result;
};

const readManifest = async (
  store: ArtifactStore,
  uri: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> => {
  const path = await fetchIfPresent(store, uri, signal);
  const handed = { doing: `Reading ${uri}`, limitBytes: manifestLimitBytes };
  const bytes = path && (await readHanded(path, handed).catch(ifRefused));
  return bytes ? parseManifest(bytes.toString('utf8')) : undefined;
};

/** No plain file: it proves nothing, and the work is done again. */
const ifRefused = (thrown: unknown): undefined => {
  if (!(thrown instanceof UserError)) throw thrown;
};

const fetchIfPresent = async (
  store: ArtifactStore,
  uri: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  try {
    return await store.fetch(uri, signal);
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'InputNotFound') return undefined;
    throw thrown;
  }
};

const isFile = async (path: string, { sha256, sizeBytes }: Stored): Promise<boolean> => {
  const found = await stat(path);
  return found.isFile() && found.size === sizeBytes && (await fileDigest(path)) === sha256;
};

/** @throws UserError DigestMismatch if the file is not the one that was pinned */
export const requirePin = ({ uri, sha256: pin }: Source, found: string): void => {
  if (pin === undefined || pin === found) return;
  throw new UserError(
    'DigestMismatch',
    `Fetching ${uri}: its sha256 is ${found}, and ${pin} was asked for. Put the pinned file back, or pin the new one.`,
  );
};
