/** A decoded picture in the mode of its file, as far as the mode changes what becomes of it. */
import { mostSeconds, pixelLimit, sharp } from './decoder.ts';
import type { Pixels } from './normalise.ts';

export type Picture = {
  readonly width: number;
  readonly height: number;
  /** Interleaved: red, green, blue; or cyan, magenta, yellow, where `black` is. */
  readonly colour: Uint8Array;
  readonly black: Uint8Array | undefined;
  /** Opacity of each pixel; undefined where the file has none. */
  readonly alpha: Uint8Array | undefined;
  /** Of a palette or of two levels: there is nothing between two of its colours. */
  readonly indexed: boolean;
};

/** As large as the file has it, in eight bits; colour profiles and orientation tags are ignored, as Pillow does. */
export const readPicture = async (file: string | Uint8Array): Promise<Picture> => {
  const image = sharp(file, { limitInputPixels: pixelLimit, failOn: 'error', ignoreIcc: true }).timeout({
    seconds: mostSeconds,
  });
  const { space, isPalette, bitsPerSample } = await image.metadata();
  const inks = space === 'cmyk';
  const ready = inks ? image.pipelineColourspace('cmyk').toColourspace('cmyk') : image.toColourspace('srgb');
  const { data, info } = await ready.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const last = channels % 2 === 0 ? lastOf(data, channels) : undefined;
  return {
    width,
    height,
    colour: channels === 3 ? data : colourOf(data, channels),
    black: inks ? last : undefined,
    alpha: inks ? undefined : last,
    indexed: isPalette || bitsPerSample === 1,
  };
};

/** Of grey, grey with alpha, or three colours with a fourth channel. */
const colourOf = (data: Uint8Array, channels: number): Uint8Array => {
  const area = data.length / channels;
  const result = new Uint8Array(area * 3);
  const step = channels < 3 ? 0 : 1;
  for (let i = 0; i < area; i++)
    for (let channel = 0; channel < 3; channel++)
      result[i * 3 + channel] = data[i * channels + channel * step]!;
  return result;
};

const lastOf = (data: Uint8Array, channels: number): Uint8Array => {
  const result = new Uint8Array(data.length / channels);
  for (let i = 0; i < result.length; i++) result[i] = data[i * channels + channels - 1]!;
  return result;
};

/** As large as it is. */
export const rgbOf = ({ colour, black, width, height }: Picture): Pixels => ({
  data: black ? lightOf(colour, black) : colour,
  width,
  height,
  channels: 3,
});

/** Inks as light, without a profile: Pillow's and TensorFlow's rule. */
export const lightOf = (inks: Uint8Array, black: Uint8Array): Uint8Array => {
  const result = new Uint8Array(inks.length);
  for (let i = 0, at = 0; i < black.length; i++) {
    const light = 255 - black[i]!;
    for (let channel = 0; channel < 3; channel++, at++)
      result[at] = Math.max(0, light - share(inks[at]!, light));
  }
  return result;
};

/** a × b / 255, rounded, in whole numbers. */
export const share = (a: number, b: number): number => {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
};
