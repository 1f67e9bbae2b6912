/**
 * Work appears whole and once. Its files are staged, get their names together, and the manifest that names them is created
 * where there is none: of pods that do the same work at the same time one creates it, and the others report its result.
 * Nothing that has a name is overwritten.
 */
import { canonicalJson } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { fileIn, numbered } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import type { ArtifactStore, Staging } from '../storage/store.ts';
import { finishedWork, manifestName, type Wanted, workOf } from './finished-work.ts';

export type Work<R extends Manifest['result']> = {
  readonly wanted: Wanted<R>;
  /** Every name that `make` may ask for. */
  readonly files: readonly string[];
  /**
   * Stages the files, under the names that `nameOf` answers with. It is called again if another pod takes these names
   * meanwhile.
   */
  readonly make: (staging: Staging, nameOf: (file: string) => string) => Promise<Made<R>>;
};

export type Made<R extends Manifest['result']> = Pick<Manifest, 'key' | 'files' | 'notes'> & {
  readonly result: R;
};

/** Each further try finds the names that the last one found taken. */
const mostTries = 16;

/** @throws UserError as the store, and what `make` throws */
export const storeOnce = async <R extends Manifest['result']>(
  store: ArtifactStore,
  work: Work<R>,
): Promise<R> => {
  const { wanted } = work;
  for (let tries = 1; ; tries++) {
    const finished = await finishedWork(store, wanted);
    if (finished) return { ...finished, reused: true };
    try {
      return await storeUnless(store, work);
    } catch (thrown) {
      const isTaken = thrown instanceof UserError && thrown.reason === 'OutputExists';
      if (!isTaken || tries === mostTries) throw thrown;
    }
  }
};

const storeUnless = async <R extends Manifest['result']>(
  store: ArtifactStore,
  { wanted, files, make }: Work<R>,
): Promise<R> => {
  const n = firstFree(files, await store.list(wanted.folder, wanted.signal));
  await using staging = store.stage(wanted.folder, wanted.signal);
  const { result, ...made } = await make(staging, (file) => numbered(file, n));
  await staging.publish();
  const manifest: Manifest = { formatVersion: 1, inputs: wanted.inputs, ...made, result };
  const winner = await recordOnce(store, wanted, Buffer.from(`${canonicalJson(manifest)}\n`));
  if (winner === undefined) return result;
  await staging.withdraw();
  return { ...winner, reused: true };
};

/** A killed run leaves files that no manifest names, another one may be about to name its own: neither is touched. */
const firstFree = (files: readonly string[], present: readonly string[]): number => {
  const taken = new Set(present);
  let n = 1;
  while (files.some((file) => taken.has(numbered(file, n)))) n++;
  return n;
};

/** Creates the next manifest of the folder. @returns the result of another one that records the same work, if there is one */
const recordOnce = async <R extends Manifest['result']>(
  store: ArtifactStore,
  wanted: Wanted<R>,
  bytes: Uint8Array,
): Promise<R | undefined> => {
  for (let n = 1; ; n++) {
    if (await store.create(fileIn(wanted.folder, manifestName(n)), bytes, wanted.signal)) return undefined;
    const winner = await workOf(store, wanted, n);
    if (winner) return winner;
  }
};
