/**
 * Lanczos resampling of 8-bit pixels, bit-exact with Pillow, which TLT uses for calibration images: two passes, horizontal
 * first, with 22-bit coefficients, each rounded to 8 bits. Own code, because no JavaScript library is bit-exact with Pillow.
 * Source: Pillow, src/libImaging/Resample.c.
 */
import type { Pixels } from './normalise.ts';
import { prepareResampling } from './resampling-memory.ts';
import { fixedWeights } from './resampling-weights.ts';

/** Resizes to [height,width,C]; does not keep the aspect ratio. At most four channels. */
export const resample = (pixels: Pixels, width: number, height: number): Pixels => {
  const wide = pixels.width === width ? pixels : resampleRows(pixels, width);
  return wide.height === height ? wide : resampleColumns(wide, height);
};

const resampleRows = ({ data, width, height, channels }: Pixels, target: number): Pixels => {
  const [from, to] = [width * channels, target * channels];
  const sizes = { step: channels, source: from, result: to };
  const pass = prepareResampling(fixedWeights(width, target), sizes);
  const result = new Uint8Array(height * to);
  for (let y = 0; y < height; y++) {
    pass.source.set(data.subarray(y * from, (y + 1) * from));
    pass.sumPixels();
    result.set(pass.result, y * to);
  }
  return { data: result, width: target, height, channels };
};

/** Bytes of rows that are copied at a time, if one output needs no more. */
const stripBytes = 2 ** 20;

const resampleColumns = ({ data, width, height, channels }: Pixels, target: number): Pixels => {
  const row = width * channels;
  const table = fixedWeights(height, target);
  const strip = Math.max(table.taps, Math.floor(stripBytes / row));
  const pass = prepareResampling(table, { step: row, source: strip * row, result: row });
  const result = new Uint8Array(target * row);
  let start = -strip;
  for (let y = 0; y < target; y++) {
    const first = table.first[y]!;
    if (first + table.taps > start + strip) {
      start = first;
      pass.source.set(data.subarray(start * row, (start + strip) * row));
    }
    pass.sumRows(y, (first - start) * row);
    result.set(pass.result, y * row);
  }
  return { data: result, width, height: target, channels };
};
