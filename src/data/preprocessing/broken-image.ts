/**
 * Explains from the file itself why an image failed to decode. libvips keeps its error text in one buffer for all threads,
 * so the text may be missing or belong to another image.
 */
import { access, constants } from 'node:fs/promises';
import type { Metadata } from 'sharp';
import { systemCodeOf } from '../../ground/base/errors.ts';
import { decodedFormats, pixelLimit, sharp, tooManyPixels } from './decoder.ts';

type Content = { readonly path: string; readonly bytes?: Uint8Array };

/** Sentences that say what is wrong with the image and what to do; they follow the name of the file. */
export const explainBroken = async ({ path, bytes }: Content): Promise<string> => {
  const closed = bytes === undefined ? await explainUnreadable(path) : undefined;
  if (closed !== undefined) return closed;
  const metadata = await readHeader(bytes ?? path);
  if (metadata === undefined) return `its content is not ${decodedFormats}. Convert it to PNG.`;
  if (metadata.width * metadata.height > pixelLimit) return tooManyPixels(metadata.width, metadata.height);
  return 'the file is truncated or damaged. Copy it again.';
};

const explainUnreadable = async (path: string): Promise<string | undefined> => {
  try {
    await access(path, constants.R_OK);
    return undefined;
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT')
      return 'the file does not exist. Add it, or remove it from the list.';
    return `the file cannot be read (${systemCodeOf(thrown)}). Give this user permission to read it.`;
  }
};

/** Undefined if the content is not an image. A truncated image still has a header. */
const readHeader = async (content: string | Uint8Array): Promise<Metadata | undefined> => {
  try {
    return await sharp(content, { limitInputPixels: false }).metadata();
  } catch {
    return undefined; // libvips does not recognise this header
  }
};
