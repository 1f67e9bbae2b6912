/**
 * Stores work as a whole and only once. The files are staged and get their names together; then the manifest is created
 * exclusively. If several pods do the same work at the same time, one creates the manifest, and the others return its result.
 * Existing files are never overwritten.
 */
import { canonicalJson } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { fileIn, numberFile } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import type { ArtifactStore, Staging } from '../storage/store.ts';
import { findFinishedWork, nameManifest, readFinishedWork, type WorkIdentity } from './finished-work.ts';

/** Work that is done unless its result is stored. */
export type WorkPlan<R extends Manifest['result']> = {
  readonly identity: WorkIdentity<R>;
  /** All names that `make` may pass to `nameOf`. */
  readonly files: readonly string[];
  /**
   * Stages the files under the names that `nameOf` returns. It is called again if another pod takes these names in the
   * meantime.
   */
  readonly make: (staging: Staging, nameOf: (file: string) => string) => Promise<StagedWork<R>>;
};

/** The files that were staged, and the result to report. */
export type StagedWork<R extends Manifest['result']> = Pick<Manifest, 'key' | 'files' | 'notes'> & {
  readonly result: R;
};

/** Each attempt lists the folder again, so it skips names that were taken during the previous one. */
const maxAttempts = 16;

/**
 * Returns the stored result, or does the work and stores it.
 * @throws UserError OutputExists after 16 attempts, the errors of the store, and those of `make`
 */
export const storeOnce = async <R extends Manifest['result']>(
  store: ArtifactStore,
  work: WorkPlan<R>,
): Promise<R> => {
  const { identity } = work;
  for (let tries = 1; ; tries++) {
    const finished = await findFinishedWork(store, identity);
    if (finished) return { ...finished, reused: true };
    try {
      return await tryToStore(store, work);
    } catch (thrown) {
      const isTaken = thrown instanceof UserError && thrown.reason === 'OutputExists';
      if (!isTaken || tries === maxAttempts) throw thrown;
    }
  }
};

const tryToStore = async <R extends Manifest['result']>(
  store: ArtifactStore,
  { identity, files, make }: WorkPlan<R>,
): Promise<R> => {
  const n = findFreeNumber(files, await store.list(identity.folder, identity.signal));
  await using staging = store.stage(identity.folder, identity.signal);
  const { result, ...made } = await make(staging, (file) => numberFile(file, n));
  await staging.publish();
  const manifest: Manifest = { formatVersion: 1, inputs: identity.inputs, ...made, result };
  const winner = await createManifest(store, identity, Buffer.from(`${canonicalJson(manifest)}\n`));
  if (winner === undefined) return result;
  await staging.withdraw();
  return { ...winner, reused: true };
};

/** Returns the first number for which no file exists. Files without a manifest may belong to a killed pod or to one that still works. */
const findFreeNumber = (files: readonly string[], present: readonly string[]): number => {
  const taken = new Set(present);
  let n = 1;
  while (files.some((file) => taken.has(numberFile(file, n)))) n++;
  return n;
};

/** Creates the next manifest of the folder. @returns the result of an existing manifest that records the same work, if any */
const createManifest = async <R extends Manifest['result']>(
  store: ArtifactStore,
  identity: WorkIdentity<R>,
  bytes: Uint8Array,
): Promise<R | undefined> => {
  for (let n = 1; ; n++) {
    if (await store.create(fileIn(identity.folder, nameManifest(n)), bytes, identity.signal))
      return undefined;
    const winner = await readFinishedWork(store, identity, n);
    if (winner) return winner;
  }
};
