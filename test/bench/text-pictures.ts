/** Photos with writing on them, and lines of writing, drawn by a script: the same in every run. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import { peerPython } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

/** The files of a folder, sorted, with their paths. */
export const listed = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));

/** A folder with `pages`, photos written over, and `lines`, cut tight, of which some are upside down. */
export const textPicturesFolder = (): Promise<string> =>
  cached('text-images-v1', async (folder) => {
    const script = join(import.meta.dirname, 'text_images.py');
    await run(await peerPython(), [script, folder, ...listed(await photosFolder())]);
  });
