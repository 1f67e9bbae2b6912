/** Where what takes long to build is kept between runs: outside the clone, named by a digest of what it is made from. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';

export const cacheFolder = (): string => {
  const folder =
    process.env.TLT_TEST_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tlt-export-operator');
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** Digest of files, or of folders with all that is below them, by relative name and content. */
export const digestOf = (root: string, paths: readonly string[], extra = ''): string => {
  const hash = createHash('sha256').update(extra);
  for (const path of paths) addTo(hash, root, join(root, path));
  return hash.digest('hex').slice(0, 16);
};

const addTo = (hash: ReturnType<typeof createHash>, root: string, path: string): void => {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) addTo(hash, root, join(path, name));
    return;
  }
  hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
};

/**
 * The path of `name` in the cache; `make` writes it to the temporary path that it is given if it is not there yet.
 * It appears whole or not at all, so two runs at once do no harm.
 */
export const cached = async (name: string, make: (path: string) => Promise<void>): Promise<string> => {
  const path = join(cacheFolder(), name);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}.partial`;
  rmSync(unfinished, { recursive: true, force: true });
  await make(unfinished);
  if (!existsSync(path)) renameSync(unfinished, path);
  else rmSync(unfinished, { recursive: true, force: true });
  return path;
};
