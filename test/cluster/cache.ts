/** Keeps slow builds between runs: outside the clone, named by a digest of their inputs. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeName } from './held-name.ts';

export const cacheFolder = (): string => {
  const folder =
    process.env.TLT_TEST_CACHE ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tlt-export-operator');
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** Digest of files or whole folders, by relative name and content. */
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

const inProgress = new Map<string, Promise<string>>();

/**
 * The path of `name` in the cache. If it does not exist yet, `make` writes it to the temporary path that it is given;
 * files that `make` leaves beside that path are removed. The result appears complete or not at all: callers of one process
 * share one call of `make`, and of several processes one makes it while the others wait.
 */
export const cached = (name: string, make: (path: string) => Promise<void>): Promise<string> => {
  const path = join(cacheFolder(), name);
  if (existsSync(path)) return Promise.resolve(path);
  const running = inProgress.get(path);
  if (running) return running;
  const made = makeOnce(path, make).finally(() => inProgress.delete(path));
  inProgress.set(path, made);
  return made;
};

/** How often a process looks whether another one has made what it waits for. */
const lookEveryMs = 100;

const makeOnce = async (path: string, make: (path: string) => Promise<void>): Promise<string> => {
  const name = `cache-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  let giveBack = await takeName(name);
  for (; !giveBack; giveBack = await takeName(name)) await sleep(lookEveryMs);
  try {
    return existsSync(path) ? path : await makeIn(path, make);
  } finally {
    giveBack();
  }
};

const unfinished = '.unfinished-';

const makeIn = async (path: string, make: (path: string) => Promise<void>): Promise<string> => {
  removeAbandoned();
  const folder = mkdtempSync(join(dirname(path), `${unfinished}${process.pid}-`));
  try {
    const made = join(folder, basename(path));
    await make(made);
    publish(made, path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return path;
};

/** Renaming over a non-empty folder fails: another process has published the same content. */
const publish = (made: string, path: string): void => {
  try {
    renameSync(made, path);
  } catch (thrown) {
    if (!existsSync(path)) throw thrown;
  }
};

/** Removes unfinished entries of killed processes. */
const removeAbandoned = (): void => {
  for (const name of readdirSync(cacheFolder())) {
    if (!name.startsWith(unfinished)) continue;
    const pid = Number.parseInt(name.slice(unfinished.length), 10);
    if (!isRunning(pid)) rmSync(join(cacheFolder(), name), { recursive: true, force: true });
  }
};

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
};
