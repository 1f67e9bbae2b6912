/** Names what differs between two images: the layer, the step that made it, and the files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../cluster/run.ts';
import { type Built, buildah } from './image-build.ts';

/** Differing entries of two layers (tar files), as text. */
export const compareArchives = async (first: string, second: string): Promise<readonly string[]> => {
  const output = await run('python3', [join(import.meta.dirname, 'compare_layers.py'), first, second]);
  return JSON.parse(output) as readonly string[];
};

type ArchiveManifest = readonly [{ readonly Layers: readonly string[] }];

/** Unpacks an image; returns the paths of its layers. */
const unpack = async (tag: string, folder: string): Promise<readonly string[]> => {
  const archive = `${folder}/image.tar`;
  await run('mkdir', ['-p', folder]);
  await buildah(['push', '--quiet', tag, `docker-archive:${archive}:${tag}`]);
  await run('tar', ['--extract', '--file', archive, '--directory', folder]);
  const [{ Layers }] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as ArchiveManifest;
  return Layers.map((path) => join(folder, path));
};

const shown = 40;

/** A line for each differing layer with its step, then its differing files. */
export const compareLayers = async (
  target: string,
  first: Built,
  second: Built,
): Promise<readonly string[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-layers-'));
  try {
    const [ours = [], theirs = []] = await Promise.all(
      ['first', 'second'].map((name) =>
        unpack(`localhost/tlt-reproduce-${target}:${name}`, join(folder, name)),
      ),
    );
    const lines: string[] = [];
    for (const [index, digest] of first.layers.entries()) {
      if (digest === second.layers[index]) continue;
      lines.push(`layer ${index + 1} of ${first.layers.length}: ${first.steps[index]}`);
      const differences = await compareArchives(ours[index]!, theirs[index]!);
      lines.push(...differences.slice(0, shown).map((line) => `  ${line}`));
      if (differences.length > shown) lines.push(`  and ${differences.length - shown} more`);
    }
    return lines.length > 0 ? lines : ['the layers are the same, the configuration differs'];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
