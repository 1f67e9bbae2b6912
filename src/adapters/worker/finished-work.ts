/** Finished work is known by its manifest: the same digests went in, so the same artifacts would come out. */
import { canonicalJson } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import type { Source } from '../../ground/contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';

export type Wanted = {
  /** URI of the artifact folder. */
  readonly folder: string;
  /** Digests of what goes in. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** The result that the earlier run reported, or undefined if there is none of the same inputs. */
export const finishedWork = async (
  store: ArtifactStore,
  { folder, inputs, signal }: Wanted,
): Promise<Manifest['result'] | undefined> => {
  const bytes = await store.read(fileIn(folder, artifactFiles.manifest), signal);
  if (bytes === undefined) return undefined;
  const manifest = parsed(bytes);
  return manifest && canonicalJson(manifest.inputs) === canonicalJson(inputs) ? manifest.result : undefined;
};

const parsed = (bytes: Uint8Array): Manifest | undefined => {
  try {
    const manifest = JSON.parse(new TextDecoder().decode(bytes)) as Manifest;
    return manifest.formatVersion === 1 ? manifest : undefined;
  } catch {
    return undefined; // Damaged: the work is done again and the manifest replaced.
  }
};

/** @throws UserError DigestMismatch if the file is not the one that was pinned */
export const requirePin = ({ uri, sha256: pin }: Source, found: string): void => {
  if (pin === undefined || pin === found) return;
  throw new UserError(
    'DigestMismatch',
    `Fetching ${uri}: its sha256 is ${found}, and ${pin} was asked for. Put the pinned file back, or pin the new one.`,
  );
};
