/**
 * Entry (`npm run images -- --build-base REFERENCE --base REFERENCE --output FOLDER [--target operator,tensorrt-rtx]`): builds the
 * images of a clean checkout, each as an OCI archive with its provenance beside it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { sha256 } from '../../src/ground/base/digest.ts';
import { hostSettings } from '../cluster/images.ts';
import { run } from '../cluster/run.ts';
import { type Bases, buildImage, writeImage } from './image-build.ts';
import { makeProvenance } from './provenance.ts';

const root = join(import.meta.dirname, '..', '..');
const pinned = ['package-lock.json', 'requirements/build.txt', 'requirements/tensorrt-rtx.txt'];

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

const manifestDigest = async (archive: string): Promise<string> => {
  const index = JSON.parse(
    await run('tar', ['--extract', '--to-stdout', '--file', archive, 'index.json']),
  ) as {
    readonly manifests: readonly { readonly digest: string }[];
  };
  return index.manifests[0]!.digest;
};

/** Builds one target of the commit; returns the digest of its manifest. */
const build = async (target: string, bases: Bases, output: string): Promise<string> => {
  const tag = `localhost/tlt-export-${target}:${git('rev-parse', '--short=12', 'HEAD')}`;
  const archive = join(output, `${target}.tar`);
  const epoch = Number(git('log', '-1', '--format=%ct'));
  await buildImage({ target, tag, bases, context: root, epoch, options: hostSettings() });
  await writeImage(tag, archive);
  const digest = await manifestDigest(archive);
  const provenance = makeProvenance({
    name: `${target}.tar`,
    digest,
    target,
    bases: { BUILD_BASE: bases.build, BASE: bases.runtime },
    epoch,
    commit: git('rev-parse', 'HEAD'),
    pins: Object.fromEntries(pinned.map((path) => [path, sha256(readFileSync(join(root, path)))])),
    buildah: (await run('buildah', ['--version'])).split(' ')[2]!,
  });
  writeFileSync(join(output, `${target}.provenance.json`), `${JSON.stringify(provenance, undefined, 2)}\n`);
  return digest;
};

const { values } = parseArgs({
  options: {
    'build-base': { type: 'string' },
    base: { type: 'string' },
    output: { type: 'string', default: 'images' },
    target: { type: 'string', default: 'operator,tensorrt-rtx' },
  },
});
const { 'build-base': buildBase, base, output, target: targets } = values;
if (buildBase === undefined || base === undefined) {
  console.error('npm run images: give --build-base and --base, each by digest (docs/security.md)');
  process.exit(2);
}
if (git('status', '--porcelain') !== '') {
  console.error('npm run images: the checkout has changes, which no commit names: commit or stash them');
  process.exit(2);
}
const folder = resolve(output);
mkdirSync(folder, { recursive: true });
for (const target of targets.split(','))
  console.log(`${target} ${await build(target, { build: buildBase, runtime: base }, folder)}`);
