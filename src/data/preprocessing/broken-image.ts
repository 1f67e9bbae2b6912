/**
 * Why an image could not be decoded, told from the file itself: libvips keeps the text of its errors in one buffer for
 * all threads, so while other images are decoded its text may be lost or another image's.
 */
import { access, constants } from 'node:fs/promises';
import type { Metadata } from 'sharp';
import { systemCodeOf } from '../../ground/base/errors.ts';
import { decodedFormats, pixelLimit, sharp, tooManyPixels } from './decoder.ts';

type Content = { readonly path: string; readonly bytes?: Uint8Array };

/** What is wrong and what to do, as sentences. */
export const explainBroken = async ({ path, bytes }: Content): Promise<string> => {
  const closed = bytes === undefined ? await explainUnreadable(path) : undefined;
  if (closed !== undefined) return closed;
  const metadata = await readHeader(bytes ?? path);
  if (metadata === undefined) return `its content is none of ${decodedFormats}. Convert it to PNG.`;
  if (metadata.width * metadata.height > pixelLimit) return tooManyPixels(metadata.width, metadata.height);
  return 'the file is cut short or damaged. Copy it again.';
};

const explainUnreadable = async (path: string): Promise<string | undefined> => {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT')
      return 'the file is not there. Put it there, or take it out of the list.';
    return `the file may not be read (${systemCodeOf(thrown)}). Give this user permission to read it.`;
  }
};

/** Undefined for what is no image; an image that is cut short still has a header. */
const readHeader = async (content: string | Uint8Array): Promise<Metadata | undefined> => {
  try {
    return await sharp(content, { limitInputPixels: false }).metadata();
  } catch {
    return undefined; // Whatever libvips says, it does not know this header.
  }
};
