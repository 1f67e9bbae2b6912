/**
 * Lanczos resampling of 8-bit pixels, bit for bit as Pillow does it, since TLT's calibration data go through Pillow:
 * two passes, horizontal first, with 22-bit coefficients and a rounding to 8 bits after each.
 * C. E. Duchon, "Lanczos filtering in one and two dimensions", 1979; Pillow, src/libImaging/Resample.c.
 */
import type { Pixels } from './normalise.ts';

const lobes = 3;
const precisionBits = 22;
const half = 1 << (precisionBits - 1);

type Coefficients = {
  /** First source position of each output. */
  readonly from: Int32Array;
  readonly count: Int32Array;
  /** `size` weights for each output, as whole 1/2^22. */
  readonly weights: Int32Array;
  readonly size: number;
};

/** The picture stretched to `width` × `height`; the aspect ratio is not kept. */
export const resample = (pixels: Pixels, width: number, height: number): Pixels => {
  const wide = pixels.width === width ? pixels : horizontal(pixels, width);
  return wide.height === height ? wide : vertical(wide, height);
};

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x: number): number => (x >= -lobes && x < lobes ? sinc(x) * sinc(x / lobes) : 0);

const coefficients = (source: number, target: number): Coefficients => {
  const scale = source / target;
  const filterScale = Math.max(1, scale);
  const inverse = 1 / filterScale;
  const support = lobes * filterScale;
  const size = Math.ceil(support) * 2 + 1;
  const from = new Int32Array(target);
  const count = new Int32Array(target);
  const weights = new Int32Array(target * size);
  for (let out = 0; out < target; out++) {
    const centre = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(source, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) => lanczos((i + first - centre + 0.5) * inverse));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    from[out] = first;
    count[out] = end - first;
    for (const [i, weight] of raw.entries()) weights[out * size + i] = fixed(weight / sum);
  }
  return { from, count, weights, size };
};

const fixed = (weight: number): number => Math.trunc(weight * 2 ** precisionBits + (weight < 0 ? -0.5 : 0.5));

const clipped = (sum: number): number => {
  const value = sum >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

const horizontal = ({ data, width, height, channels }: Pixels, target: number): Pixels => {
  const { from, count, weights, size } = coefficients(width, target);
  const result = new Uint8Array(target * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < target; x++)
      for (let channel = 0; channel < channels; channel++) {
        let sum = half;
        let at = (y * width + from[x]!) * channels + channel;
        for (let i = 0; i < count[x]!; i++, at += channels) sum += data[at]! * weights[x * size + i]!;
        result[(y * target + x) * channels + channel] = clipped(sum);
      }
  return { data: result, width: target, height, channels };
};

const vertical = ({ data, width, height, channels }: Pixels, target: number): Pixels => {
  const { from, count, weights, size } = coefficients(height, target);
  const row = width * channels;
  const result = new Uint8Array(target * row);
  for (let y = 0; y < target; y++)
    for (let x = 0; x < row; x++) {
      let sum = half;
      let at = from[y]! * row + x;
      for (let i = 0; i < count[y]!; i++, at += row) sum += data[at]! * weights[y * size + i]!;
      result[y * row + x] = clipped(sum);
    }
  return { data: result, width, height: target, channels };
};
