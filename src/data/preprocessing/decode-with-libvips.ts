/** Decodes pictures with libvips and converts them to the mode that Pillow would use. */
import type { Sharp } from 'sharp';
import type { Readable } from '../../ground/base/readable.ts';
import { maxDecodeSeconds, pixelLimit, sharp } from './decoder.ts';
import { hasColourKey, isGreyGif, photometric, tiffTag, tiffTags } from './file-tags.ts';
import type { Picture } from './picture.ts';
import { unreadable } from './picture-fault.ts';
import type { PixelTurn } from './pixel-turns.ts';

/**
 * Decodes `source`. Like Pillow, it ignores colour profiles, and orientation except in TIFF. Waits for its turn before decoding.
 * @throws PictureFault for forms that would not match Pillow; Error of libvips for damaged files
 */
export const decodeWithLibvips = async (
  source: string | Uint8Array,
  file: Readable,
  turn: PixelTurn,
): Promise<Picture> => {
  const tags = tiffTags(file);
  if (tags) validateTiff(tags);
  const image = sharp(source, { limitInputPixels: pixelLimit, failOn: 'error', ignoreIcc: true }).timeout({
    seconds: maxDecodeSeconds,
  });
  const { space, isPalette, bitsPerSample, hasAlpha, format, ...size } = await image.metadata();
  await turn.take(size.width * size.height);
  const isKeyed = hasColourKey(file.read(0, 32).slice());
  const turned = tags ? image.autoOrient() : image;
  if (space === 'grey16' && (!hasAlpha || isKeyed)) return readDeepPicture(turned);
  const inks = space === 'cmyk';
  const ready = inks
    ? turned.pipelineColourspace('cmyk').toColourspace('cmyk')
    : turned.toColourspace('srgb');
  const { data, info } = await ready.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const last = channels % 2 === 0 ? selectLastChannel(data, channels) : undefined;
  if (format === 'gif' && last?.some((each) => each < 255))
    throw unreadable('it is a GIF with transparent pixels');
  return {
    width,
    height,
    colour: channels === 3 ? data : selectColours(data, channels),
    black: inks ? last : undefined,
    alpha: inks || isKeyed ? undefined : last,
    indexed:
      bitsPerSample === 1 ||
      tags?.get(tiffTag.photometric) === photometric.palette ||
      (isPalette === true && !isGreyGif(file)),
  };
};

/**
 * Rejects TIFFs for which libvips and Pillow give different values, and those with more than 16 bits. @throws PictureFault
 */
const validateTiff = (tags: ReadonlyMap<number, number>): void => {
  if (tags.get(tiffTag.photometric) === photometric.yCbCr && tags.get(tiffTag.compression) !== jpegInTiff)
    throw unreadable('it is a YCbCr TIFF');
  const bits = tags.get(tiffTag.bits) ?? 1;
  if (bits > 16) throw unreadable(`it is a TIFF with ${bits} bits per sample`);
};

const jpegInTiff = 7;

/** Grey with 16 bits: Pillow resizes the 16-bit levels and clips them to 255 afterwards. */
const readDeepPicture = async (image: Sharp): Promise<Picture> => {
  const ready = image.toColourspace('grey16').raw({ depth: 'ushort' });
  const { data, info } = await ready.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const words = new Uint16Array(data.buffer, data.byteOffset, width * height * channels);
  const levels = Int32Array.from({ length: width * height }, (_, i) => words[i * channels]!);
  const colour = new Uint8Array(width * height * 3);
  for (let i = 0; i < colour.length; i++) colour[i] = Math.min(255, levels[Math.floor(i / 3)]!);
  const deep = { levels, isSigned: false };
  return { width, height, colour, black: undefined, alpha: undefined, indexed: false, deep };
};

/** The colour channels [H,W,3] of grey, grey with alpha, or three colours with a fourth channel. */
const selectColours = (data: Uint8Array, channels: number): Uint8Array => {
  const area = data.length / channels;
  const result = new Uint8Array(area * 3);
  const step = channels < 3 ? 0 : 1;
  for (let i = 0; i < area; i++)
    for (let channel = 0; channel < 3; channel++)
      result[i * 3 + channel] = data[i * channels + channel * step]!;
  return result;
};

const selectLastChannel = (data: Uint8Array, channels: number): Uint8Array => {
  const result = new Uint8Array(data.length / channels);
  for (let i = 0; i < result.length; i++) result[i] = data[i * channels + channels - 1]!;
  return result;
};
