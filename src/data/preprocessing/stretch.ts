/** Resizes like Pillow's `resize(…, LANCZOS)`, which depends on the mode of the picture. */
import { pixelLimit } from './decoder.ts';
import { nearestAxis } from './nearest-axis.ts';
import type { Pixels } from './normalise.ts';
import { cmykToRgb, multiplyLevels, type Picture, rgbOf } from './picture.ts';
import { PictureFault } from './picture-fault.ts';
import { resample } from './resample.ts';
import { resampleDeep } from './resample-deep.ts';

type Target = { readonly width: number; readonly height: number };

/**
 * Resizes to RGB [target.height, target.width, 3]; does not keep the aspect ratio.
 * @throws PictureFault if target.width × the height of the picture exceeds the pixel limit
 */
export const stretch = (picture: Picture, target: Target): Pixels => {
  const { alpha, black, indexed, deep } = picture;
  if (indexed && !deep) return resizeNearest(rgbOf(picture), target);
  requireBetween(target.width, picture.height);
  if (deep) return greyToRgb(resampleDeep(deep, picture, target), target);
  if (black) {
    const [inks, fourth] = resampleBoth(picture, black, target);
    return { ...inks, data: cmykToRgb(inks.data, fourth.data) };
  }
  if (alpha?.some((each) => each < 255)) return resampleWithAlpha(picture, alpha, target);
  return resample(rgbOf(picture), target.width, target.height);
};

/** Lanczos resizes the width first, at full height: ten columns of ten million rows would need gigabytes. */
const requireBetween = (width: number, height: number): void => {
  if (width * height > pixelLimit)
    throw new PictureFault(
      `resized to ${width} columns, its ${height} rows exceed ${pixelLimit / 1e6} megapixels. Reduce its height, or crop it.`,
    );
};

const greyToRgb = (levels: Uint8Array, { width, height }: Target): Pixels => {
  const data = new Uint8Array(levels.length * 3);
  for (let i = 0; i < data.length; i++) data[i] = levels[Math.floor(i / 3)]!;
  return { data, width, height, channels: 3 };
};

const resizeNearest = (picture: Pixels, { width, height }: Target): Pixels => {
  const across = nearestAxis(picture.width, width);
  const down = nearestAxis(picture.height, height);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (down[y]! * picture.width + across[x]!) * 3;
      data.set(picture.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  return { data, width, height, channels: 3 };
};

/** Resamples the colours and the fourth channel separately. */
const resampleBoth = (
  { width, height, colour }: Pick<Picture, 'width' | 'height' | 'colour'>,
  fourth: Uint8Array,
  target: Target,
): readonly [Pixels, Pixels] => [
  resample({ data: colour, width, height, channels: 3 }, target.width, target.height),
  resample({ data: fourth, width, height, channels: 1 }, target.width, target.height),
];

/** Resamples premultiplied colours, like Pillow, and drops alpha afterwards. */
const resampleWithAlpha = (picture: Picture, alpha: Uint8Array, target: Target): Pixels => {
  const weighed = picture.colour.map((level, i) => multiplyLevels(level, alpha[Math.floor(i / 3)]!));
  const [colour, opacity] = resampleBoth({ ...picture, colour: weighed }, alpha, target);
  const back = (level: number, by: number): number =>
    by === 0 || by === 255 ? level : Math.min(255, Math.floor((255 * level) / by));
  return { ...colour, data: colour.data.map((level, i) => back(level, opacity.data[Math.floor(i / 3)]!)) };
};
