/**
 * Finished work is known by its manifest: the same digests went in, so the same artifacts would come out. A manifest is
 * a file that others can write, so it counts only if each file that it names is in its folder with its digest.
 */
import { stat } from 'node:fs/promises';
import { canonicalJson, fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import { type Manifest, manifestLimitBytes, parseManifest } from '../../ground/contract/manifest.ts';
import type { Source } from '../../ground/contract/task.ts';
import type { ArtifactStore, Stored } from '../storage/store.ts';
import { readHanded } from './handed-file.ts';

export type Wanted = {
  /** URI of the artifact folder. */
  readonly folder: string;
  /** Digests of what goes in. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** The result that the earlier run reported, or undefined if there is none of the same inputs that is whole. */
export const finishedWork = async (
  store: ArtifactStore,
  { folder, inputs, signal }: Wanted,
): Promise<Manifest['result'] | undefined> => {
  const manifest = await readManifest(store, fileIn(folder, artifactFiles.manifest), signal);
  if (manifest === undefined || canonicalJson(manifest.inputs) !== canonicalJson(inputs)) return undefined;
  for (const [name, expected] of Object.entries(manifest.files)) {
    const path = await fetchIfPresent(store, fileIn(folder, name), signal);
    if (path === undefined || !(await isFile(path, expected))) return undefined;
  }
  return manifest.result;
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

/** No plain file: it proves nothing, the work is done again, and the manifest is replaced. */
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
