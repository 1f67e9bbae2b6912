/** Chooses the calibration images: a seeded sample of a folder. The others are held out. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { seededRandom, shuffle } from '../../ground/base/rng.ts';
import { field } from '../../ground/contract/fields.ts';

/** File extensions that TLT 2.0 accepts: lower case only, and no subfolders. */
const extensions: readonly string[] = ['jpg', 'jpeg', 'png'];

/** Paths of a sample, and of the images held out of it. */
export type ImageSample = {
  /** `batches × batchSize` paths, in reading order. */
  readonly chosen: readonly string[];
  /** Held-out images, for validation and as replacements for broken ones. */
  readonly heldOut: readonly string[];
};

/** Size of a sample, and the seed that selects it. */
export type SampleSize = { readonly batches: number; readonly batchSize: number; readonly seed: number };

/**
 * Draws the calibration images of `folder`. The list is sorted first, so a seed chooses the same images on every file system.
 * @throws UserError InputNotFound, TooFewImages
 */
export const sampleImages = async (
  folder: string,
  { batches, batchSize, seed }: SampleSize,
): Promise<ImageSample> => {
  const names = (await listFiles(folder)).filter((name) =>
    extensions.includes(name.slice(name.lastIndexOf('.') + 1)),
  );
  const needed = batches * batchSize;
  if (names.length < needed)
    throw new UserError(
      'TooFewImages',
      `Choosing calibration images from ${folder}: ${batches} batches of ${batchSize} need ${needed} images, and ${names.length} were found (.jpg, .jpeg or .png in lower case, not in subfolders). Add images, or lower ${field('batches')} or ${field('batchSize')}.`,
    );
  const order = shuffle(names.sort(), seededRandom(seed)).map((name) => join(folder, name));
  return { chosen: order.slice(0, needed), heldOut: order.slice(needed) };
};

const listFiles = async (folder: string): Promise<string[]> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (thrown) {
    throw new UserError(
      'InputNotFound',
      `Choosing calibration images: the folder ${folder} cannot be read (${messageOf(thrown)}). Specify a folder of images.`,
      { cause: thrown },
    );
  }
};
