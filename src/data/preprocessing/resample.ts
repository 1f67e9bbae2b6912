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

/** Whole numbers throughout: a sum of 8-bit levels under weights that add up to 2^22 fits 32 bits, lobes included. */
const horizontal = (pixels: Pixels, target: number): Pixels => {
  const { height, channels } = pixels;
  const filter = coefficients(pixels.width, target);
  const result = { data: new Uint8Array(target * height * channels), width: target, height, channels };
  const filterRow = channels === 3 ? colourRow : greyRow;
  for (let y = 0; y < height; y++) filterRow(pixels, result, { y, ...filter });
  return result;
};

type Row = Coefficients & { readonly y: number };

/** The three channels of a pixel share each weight that is read. */
const colourRow = (source: Pixels, result: Pixels, { y, from, count, weights, size }: Row): void => {
  const { data } = source;
  const row = y * source.width * 3;
  let to = y * result.width * 3;
  for (let x = 0; x < result.width; x++) {
    let [red, green, blue] = [half, half, half];
    let at = row + from[x]! * 3;
    const end = x * size + count[x]!;
    for (let i = x * size; i < end; i++, at += 3) {
      const weight = weights[i]!;
      red = (red + Math.imul(data[at]!, weight)) | 0;
      green = (green + Math.imul(data[at + 1]!, weight)) | 0;
      blue = (blue + Math.imul(data[at + 2]!, weight)) | 0;
    }
    result.data[to++] = clipped(red);
    result.data[to++] = clipped(green);
    result.data[to++] = clipped(blue);
  }
};

const greyRow = (source: Pixels, result: Pixels, { y, from, count, weights, size }: Row): void => {
  for (let x = 0; x < result.width; x++) {
    let sum = half;
    let at = y * source.width + from[x]!;
    const end = x * size + count[x]!;
    for (let i = x * size; i < end; i++, at++) sum = (sum + Math.imul(source.data[at]!, weights[i]!)) | 0;
    result.data[y * result.width + x] = clipped(sum);
  }
};

/** Row by row, so that memory is read in its order. */
const vertical = ({ data, width, height, channels }: Pixels, target: number): Pixels => {
  const { from, count, weights, size } = coefficients(height, target);
  const row = width * channels;
  const result = new Uint8Array(target * row);
  const sums = new Int32Array(row);
  for (let y = 0; y < target; y++) {
    sums.fill(half);
    let at = from[y]! * row;
    for (let i = 0; i < count[y]!; i++) {
      const weight = weights[y * size + i]!;
      for (let x = 0; x < row; x++) sums[x]! += Math.imul(data[at++]!, weight);
    }
    for (let x = 0; x < row; x++) result[y * row + x] = clipped(sums[x]!);
  }
  return { data: result, width, height: target, channels };
};
