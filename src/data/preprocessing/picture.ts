/** A decoded picture in the mode of its file, as far as the mode changes what becomes of it. */
import type { Pixels } from './normalise.ts';
import type { DeepLevels } from './resample-deep.ts';

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
  /** Of grey with more than eight bits: `colour` has them cut off at 255. */
  readonly deep?: DeepLevels | undefined;
};

/** As large as it is. */
export const rgbOf = ({ colour, black, width, height }: Picture): Pixels => ({
  data: black ? cmykToRgb(colour, black) : colour,
  width,
  height,
  channels: 3,
});

/** Inks as light, without a profile: Pillow's and TensorFlow's rule. */
export const cmykToRgb = (inks: Uint8Array, black: Uint8Array): Uint8Array => {
  const result = new Uint8Array(inks.length);
  for (let i = 0, at = 0; i < black.length; i++) {
    const light = 255 - black[i]!;
    for (let channel = 0; channel < 3; channel++, at++)
      result[at] = Math.max(0, light - multiplyLevels(inks[at]!, light));
  }
  return result;
};

/** a × b / 255, rounded, in whole numbers. */
export const multiplyLevels = (a: number, b: number): number => {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
};
