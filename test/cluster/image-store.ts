/**
 * Images as a containerd stores them. An import takes ten seconds of processor time, so it is made once for the content of
 * the archives, and each node begins with a copy.
 */
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { containerdFolder } from './binaries.ts';
import { cached, cacheFolder, digestOf } from './cache.ts';
import { type Containerd, startContainerd } from './containerd.ts';
import { run } from './run.ts';

const prefix = 'containerd-root-';

/** Creates the root folder of a containerd that has the images of these archives. */
export const copyImageStore = async (archives: readonly string[], root: string): Promise<void> => {
  const store = await importImages(archives);
  utimesSync(store, new Date(), new Date());
  // No layer or blob is ever changed, so links serve where the file system allows them.
  await run('cp', ['-al', store, root]).catch(async () => {
    rmSync(root, { recursive: true, force: true });
    await run('cp', ['-a', store, root]);
  });
  for (const database of globSync('*/*.db', { cwd: root })) {
    rmSync(join(root, database));
    copyFileSync(join(store, database), join(root, database));
  }
};

/** The names of the archives contain digests of their content. */
const importImages = async (archives: readonly string[]): Promise<string> => {
  const names = [await containerdFolder(), ...archives].map((path) => basename(path));
  return cached(`${prefix}${digestOf('/', [], names.join())}`, async (root) => {
    removeUnused();
    // Short, because it has sockets.
    const state = mkdtempSync(join(tmpdir(), 'tlt-images-'));
    mkdirSync(root);
    const { process, ctr } = await startContainerd(state, { root, state, cni: state });
    try {
      for (const archive of archives) await ctr('images', 'import', '--local', archive);
      await nameByDigest(ctr);
    } finally {
      await process.stop();
      rmSync(state, { recursive: true, force: true });
    }
  });
};

/** As pulled from a registry: an imported image has only a tag, so pods that pin a digest could not run. */
const nameByDigest = async (ctr: Containerd['ctr']): Promise<void> => {
  const [, ...lines] = (await ctr('images', 'list')).trim().split('\n');
  for (const line of lines) {
    const [name = '', , digest] = line.split(/\s+/);
    const repository = name.slice(0, name.lastIndexOf(':'));
    if (!name.includes('@')) await ctr('images', 'tag', '--force', name, `${repository}@${digest}`);
  }
};

const anHourMs = 3_600_000;

/** Every change of the sources makes another store of more than a gigabyte. */
const removeUnused = (): void => {
  for (const name of readdirSync(cacheFolder()).filter((each) => each.startsWith(prefix))) {
    const store = join(cacheFolder(), name);
    if (Date.now() - statSync(store).mtimeMs > anHourMs) rmSync(store, { recursive: true, force: true });
  }
};
