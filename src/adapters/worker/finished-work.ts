/**
 * Finds finished work by its manifest: equal input digests mean equal artifacts. Other users can write manifests, so one counts
 * only if every file that it lists is in its folder with the listed digest. A folder can contain several manifests, each
 * with its own files, because the file behind a URI, or the key, can change.
 */
import { canonicalJson } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { artifactFiles, fileIn, numberFile } from '../../ground/contract/layout.ts';
import { type Manifest, parseManifest } from '../../ground/contract/manifest.ts';
import type { Source } from '../../ground/contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';

/** Which work is meant, and whether a stored result is still usable. */
export type WorkIdentity<R extends Manifest['result'] = Manifest['result']> = {
  readonly kind: R['kind'];
  /** URI of the artifact folder. */
  readonly folder: string;
  /** SHA-256 digests of the inputs, by name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether complete files are also usable, for example whether the present key opens them. Default: true. */
  readonly isUsable?: (result: R) => Promise<boolean>;
  readonly signal: AbortSignal;
};

/** Returns the result of an earlier run with the same inputs and complete files, or undefined. */
export const findFinishedWork = async <R extends Manifest['result']>(
  store: ArtifactStore,
  identity: WorkIdentity<R>,
): Promise<R | undefined> => {
  const names = new Set(await store.list(identity.folder, identity.signal));
  for (let n = 1; names.has(nameManifest(n)); n++) {
    const found = await readFinishedWork(store, identity, n);
    if (found) return found;
  }
  return undefined;
};

/** Name of the n-th manifest in a folder, from 1. */
export const nameManifest = (n: number): string => numberFile(artifactFiles.manifest, n);

/** Returns the result in the n-th manifest of the folder if it records this work and its files are complete. */
export const readFinishedWork = async <R extends Manifest['result']>(
  store: ArtifactStore,
  { kind, folder, inputs, isUsable, signal }: WorkIdentity<R>,
  n: number,
): Promise<R | undefined> => {
  const manifest = await readManifest(store, fileIn(folder, nameManifest(n)), signal);
  if (manifest === undefined || canonicalJson(manifest.inputs) !== canonicalJson(inputs)) return undefined;
  for (const [name, expected] of Object.entries(manifest.files)) {
    if (!(await store.hasContent(fileIn(folder, name), expected, signal))) return undefined;
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
  const bytes = await store.read(uri, 'manifestBytes', signal).catch(ignoreRefusal);
  return bytes && parseManifest(Buffer.from(bytes).toString('utf8'));
};

/** A manifest that is too large, or not a regular file, is ignored, and the work is done again. */
const ignoreRefusal = (thrown: unknown): undefined => {
  if (!(thrown instanceof UserError && thrown.reason === 'InputNotFound')) throw thrown;
};

/**
 * Compares the digest of a fetched file with the digest in the task, if the task has one.
 * @throws UserError DigestMismatch
 */
export const verifyDigest = ({ uri, sha256: pin }: Source, found: string): void => {
  if (pin === undefined || pin === found) return;
  throw new UserError(
    'DigestMismatch',
    `Fetching ${uri}: its sha256 is ${found}, but ${pin} is required. Restore that file, or update the sha256.`,
  );
};
