/** An image file as pixels of the network's size: stretched with Lanczos, orientation tags ignored, alpha dropped. */
import sharp from 'sharp';
import { messageOf, UserError } from '../base/errors.ts';
import type { Pixels } from './normalise.ts';

export type ImageSize = { readonly width: number; readonly height: number; readonly channels: 1 | 3 };

/** A larger picture is refused before it is decoded, so that memory stays bounded. */
const pixelLimit = 100_000_000;

/** Decoding while the network runs needs no cache of its own, and one file is read once. */
sharp.cache(false);

/** @throws UserError ImageInvalid naming the file */
export const decodeImage = async (path: string, { width, height, channels }: ImageSize): Promise<Pixels> => {
  try {
    const image = sharp(path, { limitInputPixels: pixelLimit, failOn: 'error' })
      .resize(width, height, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
      .removeAlpha()
      .toColourspace(channels === 1 ? 'b-w' : 'srgb');
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { data: asChannels(data, info.channels, channels), width, height, channels };
  } catch (thrown) {
    throw new UserError(
      'ImageInvalid',
      `Decoding the calibration image ${path}: ${messageOf(thrown)}. Remove the file from the folder, or replace it by a whole .jpg or .png image.`,
      { cause: thrown },
    );
  }
};

/** A grey picture stays grey in sharp even when colour is asked for. */
const asChannels = (data: Uint8Array, found: number, wanted: 1 | 3): Uint8Array => {
  if (found === wanted) return data;
  const pixels = data.length / found;
  const result = new Uint8Array(pixels * wanted);
  for (let i = 0; i < pixels; i++)
    for (let channel = 0; channel < wanted; channel++)
      result[i * wanted + channel] = data[i * found + (channel % found)]!;
  return result;
};
