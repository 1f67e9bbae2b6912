/** A decoded picture that still knows its file's mode, because Pillow resizes by mode. */
import type { Pixels } from './normalise.ts';
import type { DeepLevels } from './resample-deep.ts';

/** A decoded image. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  /** Interleaved [H,W,3]: red, green, blue; or cyan, magenta, yellow if `black` is set. */
  readonly colour: Uint8Array;
  readonly black: Uint8Array | undefined;
  /** Alpha [H,W]; undefined if the file has none. */
  readonly alpha: Uint8Array | undefined;
  /** True for palettes and bilevel pictures: their colours must not be interpolated. */
  readonly indexed: boolean;
  /** Levels of grey with more than 8 bits; `colour` holds them clipped to 255. */
  readonly deep?: DeepLevels | undefined;
};

/** The picture as RGB [H,W,3] in its own size. */
export const rgbOf = ({ colour, black, width, height }: Picture): Pixels => ({
  data: black ? cmykToRgb(colour, black) : colour,
  width,
  height,
  channels: 3,
});

/** CMYK → RGB without a colour profile, by the rule of Pillow and TensorFlow. */
export const cmykToRgb = (inks: Uint8Array, black: Uint8Array): Uint8Array => {
  const result = new Uint8Array(inks.length);
  for (let i = 0, at = 0; i < black.length; i++) {
    const light = 255 - black[i]!;
    for (let channel = 0; channel < 3; channel++, at++)
      result[at] = Math.max(0, light - multiplyLevels(inks[at]!, light));
  }
  return result;
};

/** a × b / 255, rounded, in integer arithmetic (Pillow's MULDIV255). */
export const multiplyLevels = (a: number, b: number): number => {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
};
