/**
 * Lanczos resampling of 8-bit pixels, bit-exact with Pillow, which TLT uses for calibration images: two passes, horizontal
 * first, with 22-bit coefficients, each rounded to 8 bits. Own code, because no JavaScript library is bit-exact with Pillow.
 * Source: Pillow, src/libImaging/Resample.c.
 */
import { lanczosWeights } from './lanczos.ts';
import type { Pixels } from './normalise.ts';

const precisionBits = 22;
const half = 1 << (precisionBits - 1);

type Coefficients = {
  /** First source position of each output. */
  readonly from: Int32Array;
  readonly count: Int32Array;
  /** `size` weights per output, in units of 1/2^22. */
  readonly weights: Int32Array;
  readonly size: number;
};

/** Resizes to [height,width,C]; does not keep the aspect ratio. */
export const resample = (pixels: Pixels, width: number, height: number): Pixels => {
  const wide = pixels.width === width ? pixels : resampleRows(pixels, width);
  return wide.height === height ? wide : resampleColumns(wide, height);
};

const computeCoefficients = (source: number, target: number): Coefficients => {
  const size = Math.ceil(3 * Math.max(1, source / target)) * 2 + 1;
  const [from, count] = [new Int32Array(target), new Int32Array(target)];
  const whole = new Int32Array(target * size);
  for (const [out, { first, weights }] of lanczosWeights(source, target).entries()) {
    from[out] = first;
    count[out] = weights.length;
    for (const [i, weight] of weights.entries()) whole[out * size + i] = toFixedPoint(weight);
  }
  return { from, count, weights: whole, size };
};

const toFixedPoint = (weight: number): number =>
  Math.trunc(weight * 2 ** precisionBits + (weight < 0 ? -0.5 : 0.5));

const clipToByte = (sum: number): number => {
  const value = sum >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

/**
 * Integer arithmetic: the weights sum to 2^22, so a weighted sum of 8-bit levels fits into 32 bits, negative lobes included.
 */
const resampleRows = (pixels: Pixels, target: number): Pixels => {
  const { height, channels } = pixels;
  const filter = computeCoefficients(pixels.width, target);
  const result = { data: new Uint8Array(target * height * channels), width: target, height, channels };
  const filterRow = channels === 3 ? filterColourRow : filterGreyRow;
  for (let y = 0; y < height; y++) filterRow(pixels, result, { y, ...filter });
  return result;
};

type Row = Coefficients & { readonly y: number };

/** One loop for three channels, so that each weight is loaded once. */
const filterColourRow = (source: Pixels, result: Pixels, { y, from, count, weights, size }: Row): void => {
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
    result.data[to++] = clipToByte(red);
    result.data[to++] = clipToByte(green);
    result.data[to++] = clipToByte(blue);
  }
};

const filterGreyRow = (source: Pixels, result: Pixels, { y, from, count, weights, size }: Row): void => {
  for (let x = 0; x < result.width; x++) {
    let sum = half;
    let at = y * source.width + from[x]!;
    const end = x * size + count[x]!;
    for (let i = x * size; i < end; i++, at++) sum = (sum + Math.imul(source.data[at]!, weights[i]!)) | 0;
    result.data[y * result.width + x] = clipToByte(sum);
  }
};

/** Works row by row for sequential memory access. */
const resampleColumns = ({ data, width, height, channels }: Pixels, target: number): Pixels => {
  const { from, count, weights, size } = computeCoefficients(height, target);
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
    for (let x = 0; x < row; x++) result[y * row + x] = clipToByte(sums[x]!);
  }
  return { data: result, width, height: target, channels };
};
