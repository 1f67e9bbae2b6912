/**
 * Lanczos resampling of 16 and 32-bit grey levels, bit-exact with Pillow's modes I;16 and I: two passes in double
 * precision, each rounded. Source: Pillow, src/libImaging/Resample.c.
 */
import { lanczosWeights } from './lanczos.ts';

/** Grey levels [H,W] with more than 8 bits. */
export type DeepLevels = {
  readonly levels: Int32Array;
  /** True for mode I, which keeps overshoot between the passes; I;16 clips it to 0…65535. */
  readonly isSigned: boolean;
};

type Side = { readonly width: number; readonly height: number };

/** Resamples to the size `to`. Levels are clipped to 0…255, as in Pillow's conversion to 8 bits. */
export const resampleDeep = ({ levels, isSigned }: DeepLevels, from: Side, to: Side): Uint8Array => {
  const kept = isSigned ? (level: number) => level : clipTo16Bits;
  const wide = from.width === to.width ? levels : resampleRows(levels, from, to.width).map(kept);
  const high =
    from.height === to.height
      ? wide
      : resampleColumns(wide, { ...from, width: to.width }, to.height).map(kept);
  return Uint8Array.from(high, (level) => Math.min(255, Math.max(0, level)));
};

const clipTo16Bits = (level: number): number => Math.min(65535, Math.max(0, level));

const roundHalfAwayFromZero = (sum: number): number =>
  sum >= 0 ? Math.floor(sum + 0.5) : -Math.floor(0.5 - sum);

const resampleRows = (levels: Int32Array, { width, height }: Side, target: number): Int32Array => {
  const result = new Int32Array(target * height);
  for (const [x, { first, weights }] of lanczosWeights(width, target).entries())
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += levels[y * width + first + i]! * weights[i]!;
      result[y * target + x] = roundHalfAwayFromZero(sum);
    }
  return result;
};

const resampleColumns = (levels: Int32Array, { width, height }: Side, target: number): Int32Array => {
  const result = new Int32Array(width * target);
  for (const [y, { first, weights }] of lanczosWeights(height, target).entries())
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += levels[(first + i) * width + x]! * weights[i]!;
      result[y * width + x] = roundHalfAwayFromZero(sum);
    }
  return result;
};
