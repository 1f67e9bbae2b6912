/** An image file as pixels; orientation tags and profiles are ignored and alpha is dropped, as in TLT's own loaders. */
import { UserError } from '../../ground/base/errors.ts';
import { explainBroken } from './broken-image.ts';
import type { Pixels } from './normalise.ts';
import { type Picture, rgbOf } from './picture.ts';
import { PictureFault } from './picture-fault.ts';
import { PixelTurn } from './pixel-turns.ts';
import { readPicture } from './read-picture.ts';
import { stretch } from './stretch.ts';

export type ImageSize = { readonly width: number; readonly height: number; readonly channels: 1 | 3 };

export type ImageInput = {
  readonly path: string;
  /** The file's content, where it lies in a record and not on the disk. */
  readonly bytes?: Uint8Array;
  /** Who named the image, for messages: `record 12 of …`. */
  readonly namedBy?: string;
};

/** Stretched with Lanczos: the `--cal_image_dir` path. @throws UserError ImageInvalid naming the file */
export const decodeImage = (path: string, { width, height, channels }: ImageSize): Promise<Pixels> =>
  usePicture({ path }, (picture) => {
    const colour = stretch(picture, { width, height });
    return channels === 3 ? colour : greyOf(colour);
  });

/** `use` gets three channels of eight bits, as large as the file has them, and must not keep them. @throws UserError ImageInvalid naming the file */
export const usePixels = <T>(input: ImageInput, use: (pixels: Pixels) => T): Promise<T> =>
  usePicture(input, (picture) => use(rgbOf(picture)));

const usePicture = async <T>(input: ImageInput, use: (picture: Picture) => T): Promise<T> => {
  const { path, bytes } = input;
  using turn = new PixelTurn();
  try {
    return use(await readPicture(bytes ?? path, turn));
  } catch (thrown) {
    throw await imageError(input, thrown);
  }
};

const imageError = async (input: ImageInput, thrown: unknown): Promise<UserError> => {
  if (thrown instanceof UserError)
    return thrown.reason === 'ImageInvalid'
      ? thrown
      : new UserError('ImageInvalid', thrown.message, { cause: thrown });
  const { path, namedBy } = input;
  const why = thrown instanceof PictureFault ? thrown.message : await explainBroken(input);
  return new UserError(
    'ImageInvalid',
    `Decoding the calibration image ${path}${namedBy === undefined ? '' : ` (${namedBy})`}: ${why}`,
    { cause: thrown },
  );
};

/** Luma of ITU-R BT.601 in 16-bit fixed point, as Pillow's mode L has it. */
export const greyOf = ({ data, width, height }: Pixels): Pixels => {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = (data[i * 3]! * 19595 + data[i * 3 + 1]! * 38470 + data[i * 3 + 2]! * 7471 + 0x8000) >> 16;
  return { data: grey, width, height, channels: 1 };
};
