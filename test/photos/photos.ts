/** Photos for calibration: crops of the photos in an npm package (MIT), equal in every run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { seededRandom } from '../../src/ground/base/rng.ts';
import { cached } from '../cluster/cache.ts';

const source = join(import.meta.dirname, '..', '..', 'node_modules', '@vladmandic', 'face-api', 'demo');
const photos = 6;

type Crops = {
  /** Crops of each photo. */
  readonly count: number;
  /** Pixels of the longer side. Larger images would only make the tests slower. */
  readonly longestSide: number;
};

/** A folder of 120 JPEG files of many sizes. */
export const photosFolder = (): Promise<string> =>
  cached(`photos-${photos}x20-v2`, (folder) => cropsIn(folder, { count: 20, longestSide: 400 }));

/** A folder of 36 small JPEG files, for tests in which the images do not matter. */
export const smallPhotosFolder = (): Promise<string> =>
  cached(`photos-${photos}x6-small-v1`, (folder) => cropsIn(folder, { count: 6, longestSide: 64 }));

const cropsIn = async (folder: string, crops: Crops): Promise<void> => {
  mkdirSync(folder, { recursive: true });
  const random = seededRandom(7);
  for (let photo = 1; photo <= photos; photo++) await cropsOf(photo, folder, { ...crops, random });
};

const cropsOf = async (
  photo: number,
  folder: string,
  { count, longestSide, random }: Crops & { readonly random: () => number },
): Promise<void> => {
  const path = join(source, `sample${photo}.jpg`);
  const { width, height } = await sharp(path).metadata();
  for (let crop = 0; crop < count; crop++) {
    const size = { width: shorten(width, random()), height: shorten(height, random()) };
    const place = {
      left: Math.floor(random() * (width - size.width)),
      top: Math.floor(random() * (height - size.height)),
    };
    const name = `photo${photo}-${String(crop).padStart(2, '0')}.jpg`;
    await sharp(path)
      .extract({ ...size, ...place })
      .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 92 })
      .toFile(join(folder, name));
  }
};

/** Length of a crop's side: between 1/4 and 3/4 of the photo's. */
const shorten = (side: number, share: number): number => Math.floor(side * (0.25 + share / 2));
