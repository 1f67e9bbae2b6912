/**
 * Entry (`npm run images:reproduce [-- operator|tensorrt-rtx]`): builds each image twice, every step again, the second time from a
 * copy of the checkout in another folder with other modes and times of files. Fails if a byte differs, and names layer and files.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { hostSettings, imageSources, localBases } from '../cluster/images.ts';
import { run } from '../cluster/run.ts';
import { type Bases, type Built, buildah, buildImage, inspectImage } from './image-build.ts';
import { compareLayers } from './layers.ts';

const root = join(import.meta.dirname, '..', '..');
const epoch = 1_700_000_000;

/** The sources as another person may have them: elsewhere, with a strict umask, and older. */
const copyElsewhere = async (): Promise<string> => {
  const copy = mkdtempSync(join(tmpdir(), 'tlt-reproduce-'));
  for (const path of imageSources) cpSync(join(root, path), join(copy, path), { recursive: true });
  cpSync(join(root, '.dockerignore'), join(copy, '.dockerignore'));
  await run('chmod', ['-R', 'go=', copy]);
  await run('find', [copy, '-exec', 'touch', '--date=2001-01-01', '{}', '+']);
  return copy;
};

type Attempt = { readonly context: string; readonly name: string };

const build = async (target: string, bases: Bases, { context, name }: Attempt): Promise<Built> => {
  const tag = `localhost/tlt-reproduce-${target}:${name}`;
  await buildImage({ target, tag, bases, context, epoch, fresh: true, options: hostSettings() });
  return inspectImage(tag);
};

const isReproduced = async (target: string, bases: Bases, copy: string): Promise<boolean> => {
  const first = await build(target, bases, { context: root, name: 'first' });
  const second = await build(target, bases, { context: copy, name: 'second' });
  if (first.id === second.id) {
    console.log(`${target}: the same twice: ${first.id}, ${first.layers.length} layers`);
    return true;
  }
  console.log(`${target}: ${first.id}, then ${second.id}`);
  for (const line of await compareLayers(target, first, second)) console.log(line);
  return false;
};

const targets = process.argv.length > 2 ? process.argv.slice(2) : ['operator', 'tensorrt-rtx'];
const bases = await localBases();
const copy = await copyElsewhere();
try {
  for (const target of targets) if (!(await isReproduced(target, bases, copy))) process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
  const tags = targets.flatMap((target) =>
    ['first', 'second'].map((name) => `localhost/tlt-reproduce-${target}:${name}`),
  );
  await buildah(['rmi', '--force', ...tags]).catch(() => {});
}
