/**
 * Entry (`npm run docker`): the blocks of the pages that build, carry and run images with Docker, by a real one and a real registry.
 * Only the digests of the bases and the name of the registry are filled in; the bases are local images under the names of the pages.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { aFolder } from '../builders/tool.ts';
import { imageSources } from '../cluster/images.ts';
import { run } from '../cluster/run.ts';
import { blocksOf, pages, stepsOf } from '../pages/blocks.ts';
import { findWay } from '../pages/ways.ts';
import { publishBases } from './bases.ts';
import { startDocker } from './daemon.ts';

const root = join(import.meta.dirname, '..', '..');

/** A checkout: `npm ci` of a page must not touch the packages of this one. */
const copyCheckout = (): string => {
  const folder = aFolder();
  for (const name of [...imageSources, '.dockerignore'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  return folder;
};

const isOurs = (block: Parameters<typeof findWay>[0]): boolean => {
  const way = findWay(block)?.[1];
  return typeof way === 'object' && 'command' in way && way.command === 'npm run docker';
};

const daemon = await startDocker();
try {
  const fillDigests = await publishBases(daemon);
  const cwd = copyCheckout();
  const env = { ...daemon.env, PATH: `${join(daemon.client, '..')}:${process.env.PATH}` };
  // The others use the images that the page of the installation builds.
  const order = ['docs/install.md', ...pages.filter((page) => page !== 'docs/install.md')];
  for (const block of order.flatMap(blocksOf).filter(isOurs)) {
    for (const { command } of stepsOf(block)) {
      const text = fillDigests(command).replaceAll('REGISTRY', 'registry.example.com');
      await run('bash', ['-euo', 'pipefail', '-c', text], {
        cwd,
        env,
        label: `${block.page}: ${text.trim()}`,
      });
    }
  }
} finally {
  await daemon.stop();
}
