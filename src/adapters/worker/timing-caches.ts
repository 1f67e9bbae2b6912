/**
 * Timing caches of TensorRT builders, shared by the builds of one device class and version. Each is a file named by its
 * content and written once. A build starts from all of them combined, stores what it knows in the end as one more file,
 * and then removes those that it combined: of two builds at the same time each leaves its own file, so nothing that one
 * of them measured is lost.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256 } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { writeWholeFile } from '../../ground/base/whole-file.ts';
import { fileIn, timingCacheFile, workFiles } from '../../ground/contract/layout.ts';
import type { BuildRequest } from '../../ground/contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';
import { readUntrusted } from './untrusted-file.ts';

/** The folders of the pod that `stage` and `build` write to, and storage. */
type Context = {
  readonly store: ArtifactStore;
  readonly work: string;
  readonly built: string;
  readonly signal: AbortSignal;
};

const namePattern = /^[0-9a-f]{16}\.timing$/;
const nameOf = (bytes: Uint8Array): string => `${sha256(bytes).slice(0, 16)}.timing`;

/** Builds at the same time; more files are left for later builds to combine. */
const mostFiles = 32;

/** Copies the stored caches to the work folder and returns their paths; damaged ones are left out. */
export const fetchTimingCaches = async (folder: string, context: Context): Promise<readonly string[]> => {
  const { store, signal, work } = context;
  const names = (await store.list(folder, signal)).filter((name) => namePattern.test(name));
  if (names.length > 0) await mkdir(join(work, workFiles.timings), { recursive: true });
  const paths: string[] = [];
  for (const name of names.sort().slice(0, mostFiles)) {
    const bytes = await readStored(fileIn(folder, name), context);
    if (bytes === undefined || nameOf(bytes) !== name) continue;
    const path = join(work, workFiles.timings, name);
    await writeWholeFile(path, bytes, { overwrite: true, isPrivate: true });
    paths.push(path);
  }
  return paths;
};

/** Undefined if another build that combined it has removed it, or if it is not a regular file of an acceptable size. */
const readStored = async (uri: string, { store, signal }: Context): Promise<Uint8Array | undefined> => {
  try {
    return await store.read(uri, 'timingCacheBytes', signal);
  } catch (thrown) {
    if (thrown instanceof UserError) return undefined;
    throw thrown;
  }
};

/**
 * Stores the cache that the builder wrote, then removes those that it contains. A cache saves time and nothing else, so
 * storage that refuses it is no failure.
 * @param combined names that the builder reports
 * @returns why nothing was stored, or undefined
 */
export const storeTimingCache = async (
  folder: string,
  context: Context,
  combined: readonly unknown[],
): Promise<string | undefined> => {
  const { store, signal, built } = context;
  try {
    const accepted = { doing: 'Reading the timing cache', limitBytes: limits.timingCacheBytes.max };
    const bytes = await readUntrusted(join(built, timingCacheFile), accepted);
    if (bytes === undefined || bytes.length === 0) return undefined;
    const name = nameOf(bytes);
    await store.create(fileIn(folder, name), bytes, signal);
    const given = new Set((await readRequest(context)).timingCaches?.map((path) => basename(path)));
    for (const other of combined)
      if (typeof other === 'string' && given.has(other) && other !== name)
        await store.remove(fileIn(folder, other), signal);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
};

/** The request that `stage` wrote, in a volume that no other container can write. */
const readRequest = async ({ work }: Context): Promise<BuildRequest> =>
  JSON.parse(await readFile(join(work, workFiles.request), 'utf8')) as BuildRequest;
