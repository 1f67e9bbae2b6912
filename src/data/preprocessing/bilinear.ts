/**
 * Bilinear resizing in float32 without antialiasing. Each 8-bit level is mapped through a table before it is interpolated.
 */
import type { Pixels } from './normalise.ts';

/** How output positions map to source positions: by half-pixel centres (OpenCV), or by corners (TensorFlow 1). */
export type Alignment = 'centre' | 'corner';

/** Float values of the resized picture, interleaved [H,W,C]. */
export type Plane = { readonly data: Float32Array; readonly height: number; readonly width: number };

/** Size of the result, and how levels are interpolated. */
export type BilinearOptions = {
  /** 256 values: what each 8-bit level becomes. */
  readonly levels: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly alignment: Alignment;
};

/** Resizes `pixels` to [height,width,C]. Positions outside the picture use the nearest edge pixel. */
export const bilinear = (pixels: Pixels, options: BilinearOptions): Plane => {
  const { levels, width, height, alignment } = options;
  const { data, channels } = pixels;
  const across = mapAxis(pixels.width, width, alignment);
  const down = mapAxis(pixels.height, height, alignment);
  const result = new Float32Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const above = down.low[y]! * pixels.width;
    const below = down.high[y]! * pixels.width;
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < channels; channel++) {
        const left = across.low[x]! * channels + channel;
        const right = across.high[x]! * channels + channel;
        const top = interpolate(
          levels,
          across.share[x]!,
          data[above * channels + left]!,
          data[above * channels + right]!,
        );
        const foot = interpolate(
          levels,
          across.share[x]!,
          data[below * channels + left]!,
          data[below * channels + right]!,
        );
        result[to++] = top + (foot - top) * down.share[y]!;
      }
  }
  return { data: result, width, height };
};

const interpolate = (levels: Float32Array, share: number, first: number, second: number): number =>
  levels[first]! + (levels[second]! - levels[first]!) * share;

type Axis = { readonly low: Int32Array; readonly high: Int32Array; readonly share: Float32Array };

/** For each output: the two neighbouring source positions, and the weight of the second. */
const mapAxis = (source: number, target: number, alignment: Alignment): Axis => {
  const [low, high] = [new Int32Array(target), new Int32Array(target)];
  const share = new Float32Array(target);
  const shift = alignment === 'centre' ? 0.5 : 0;
  for (let i = 0; i < target; i++) {
    const position = Math.min(source - 1, Math.max(0, ((i + shift) * source) / target - shift));
    low[i] = Math.floor(position);
    high[i] = Math.min(source - 1, low[i]! + 1);
    share[i] = position - low[i]!;
  }
  return { low, high, share };
};
