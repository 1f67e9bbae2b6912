/** Photos with text on them, and lines of text, drawn by a script; equal in every run. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import { peerPython } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

/** Lists the paths of a folder's files, sorted. */
export const listFiles = (folder: string): string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));

/** A folder with `pages` (photos with text), `seals` (pages with red seals) and `lines` (cropped lines of text, some upside down). */
export const textPicturesFolder = (): Promise<string> =>
  cached('text-images-v2', async (folder) => {
    const script = join(import.meta.dirname, 'text_images.py');
    await run(await peerPython(), [script, folder, ...listFiles(await photosFolder())]);
  });
