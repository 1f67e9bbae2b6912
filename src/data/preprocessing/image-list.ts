/** Chooses the calibration images: a seeded sample of a folder. The others are held out. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import type { RemoteFolder } from '../../ground/base/remote-folder.ts';
import { seededRandom, shuffle } from '../../ground/base/rng.ts';
import { field } from '../../ground/contract/fields.ts';

/** File extensions that TLT 2.0 accepts: lower case only, and no subfolders. */
const extensions: readonly string[] = ['jpg', 'jpeg', 'png'];

/** A folder of images: a path, or a folder in object storage. */
export type ImageFolder = string | RemoteFolder;

/** An image of object storage, which is fetched when it is decoded. */
export type RemoteImage = {
  /** URI. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly read: () => Promise<Uint8Array>;
};

/** An image file: a path, or an image of object storage. */
export type ImageFile = string | RemoteImage;

/** A sample, and the images held out of it. */
export type ImageSample = {
  /** `batches × batchSize` images, in reading order. */
  readonly chosen: readonly ImageFile[];
  /** Held-out images, for validation and as replacements for broken ones. */
  readonly heldOut: readonly ImageFile[];
};

/** Path or URI of a folder, for messages and reports. */
export const nameOfFolder = (folder: ImageFolder): string =>
  typeof folder === 'string' ? folder : folder.uri;

/** Size of a sample, and the seed that selects it. */
export type SampleSize = { readonly batches: number; readonly batchSize: number; readonly seed: number };

/**
 * Draws the calibration images of `folder`. The list is sorted first, so a seed chooses the same images in every storage.
 * @throws UserError InputNotFound, TooFewImages, and the errors of the storage
 */
export const sampleImages = async (
  folder: ImageFolder,
  { batches, batchSize, seed }: SampleSize,
): Promise<ImageSample> => {
  const files = (typeof folder === 'string' ? await listFiles(folder) : await listRemote(folder)).filter(
    ({ name }) => extensions.includes(name.slice(name.lastIndexOf('.') + 1)),
  );
  const needed = batches * batchSize;
  if (files.length < needed)
    throw new UserError(
      'TooFewImages',
      `Choosing calibration images from ${nameOfFolder(folder)}: ${batches} batches of ${batchSize} need ${needed} images, and ${files.length} were found (.jpg, .jpeg or .png in lower case, not in subfolders). Add images, or lower ${field('batches')} or ${field('batchSize')}.`,
    );
  const sorted = files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const order = shuffle(sorted, seededRandom(seed)).map(({ file }) => file);
  return { chosen: order.slice(0, needed), heldOut: order.slice(needed) };
};

type NamedImage = { readonly name: string; readonly file: ImageFile };

const listRemote = async ({ uri, list, read }: RemoteFolder): Promise<NamedImage[]> =>
  (await list()).map(({ name, sizeBytes }) => ({
    name,
    file: { path: `${uri}/${name}`, sizeBytes, read: () => read(name) },
  }));

const listFiles = async (folder: string): Promise<NamedImage[]> => {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => ({ name, file: join(folder, name) }));
  } catch (thrown) {
    throw new UserError(
      'InputNotFound',
      `Choosing calibration images: the folder ${folder} cannot be read (${messageOf(thrown)}). Specify a folder of images.`,
      { cause: thrown },
    );
  }
};
