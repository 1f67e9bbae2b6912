/** Decodes image files to pixels. Like TLT's loaders, it ignores orientation tags and colour profiles and drops alpha. */
import { UserError } from '../../ground/base/errors.ts';
import { explainBroken } from './broken-image.ts';
import type { Pixels } from './normalise.ts';
import { type Picture, rgbOf } from './picture.ts';
import { PictureFault } from './picture-fault.ts';
import { PixelTurn } from './pixel-turns.ts';
import { readPicture } from './read-picture.ts';
import { stretch } from './stretch.ts';

/** Size of a network input, in pixels. */
export type ImageSize = { readonly width: number; readonly height: number; readonly channels: 1 | 3 };

/** An encoded image: a file, or bytes from a record. */
export type ImageInput = {
  readonly path: string;
  /** Content of the file, if it comes from a record or from object storage, and not from disk. */
  readonly bytes?: Uint8Array;
  /** What refers to the image, for messages: `record 12 of …`. */
  readonly namedBy?: string;
};

/**
 * Decodes an image, or the file of a path, and resizes it with Lanczos to [H,W,C], as for `--cal_image_dir`.
 * @throws UserError ImageInvalid, naming the file
 */
export const decodeImage = (
  input: string | ImageInput,
  { width, height, channels }: ImageSize,
): Promise<Pixels> =>
  usePicture(typeof input === 'string' ? { path: input } : input, (picture) => {
    const colour = stretch(picture, { width, height });
    return channels === 3 ? colour : greyOf(colour);
  });

/**
 * Decodes a file to 8-bit RGB [H,W,3] in its own size and passes it to `use`, which must not keep it.
 * @throws UserError ImageInvalid, naming the file
 */
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

/** RGB [H,W,3] → grey [H,W,1]: ITU-R BT.601 luma in 16-bit fixed point, like Pillow's mode L. */
export const greyOf = ({ data, width, height }: Pixels): Pixels => {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = (data[i * 3]! * 19595 + data[i * 3 + 1]! * 38470 + data[i * 3 + 2]! * 7471 + 0x8000) >> 16;
  return { data: grey, width, height, channels: 1 };
};
