/** An image file as pixels of the network's size: stretched with Lanczos, orientation tags ignored, alpha dropped. */
import sharp from 'sharp';
import { messageOf, UserError } from '../base/errors.ts';
import type { Pixels } from './normalise.ts';
import { resample } from './resample.ts';

export type ImageSize = { readonly width: number; readonly height: number; readonly channels: 1 | 3 };

/** A larger picture is refused before it is decoded, so that memory stays bounded. */
const pixelLimit = 100_000_000;

/** Each file is read once: a cache would only hold memory. */
sharp.cache(false);

/** @throws UserError ImageInvalid naming the file */
export const decodeImage = async (path: string, { width, height, channels }: ImageSize): Promise<Pixels> => {
  const colour = resample(await decoded(path), width, height);
  return channels === 3 ? colour : greyOf(colour);
};

const decoded = async (path: string): Promise<Pixels> => {
  try {
    const image = sharp(path, { limitInputPixels: pixelLimit, failOn: 'error' })
      .removeAlpha()
      .toColourspace('srgb');
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { data: channels === 3 ? data : tripled(data), width, height, channels: 3 };
  } catch (thrown) {
    throw new UserError(
      'ImageInvalid',
      `Decoding the calibration image ${path}: ${messageOf(thrown)}. Remove the file from the folder, or replace it by a whole .jpg or .png image.`,
      { cause: thrown },
    );
  }
};

/** A grey picture stays grey in sharp even when colour is asked for. */
const tripled = (grey: Uint8Array): Uint8Array => {
  const result = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) result.fill(grey[i]!, i * 3, i * 3 + 3);
  return result;
};

/** Luma of ITU-R BT.601 in 16-bit fixed point, as Pillow's mode L has it. */
const greyOf = ({ data, width, height }: Pixels): Pixels => {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = (data[i * 3]! * 19595 + data[i * 3 + 1]! * 38470 + data[i * 3 + 2]! * 7471 + 0x8000) >> 16;
  return { data: grey, width, height, channels: 1 };
};
