/** Derives the exact histogram of a tensor from another tensor's, so that it need not be measured. */
import { binOf } from './float-bits.ts';
import { type Histogram, mapHistogram } from './histogram.ts';

/** Bounds of an ONNX Clip; infinite if absent. Relu is 0…∞. */
export type Clip = { readonly low: number; readonly high: number };

/**
 * The histogram of min(max(x, low), high). Values beyond a bound move into the bin of the bound, so every count stays exact.
 */
export const clipHistogram = (histogram: Histogram, { low, high }: Clip): Histogram => {
  if (low <= histogram.min && histogram.max <= high) return histogram;
  const [first, last] = [signedBinOf(low), signedBinOf(high)];
  return mapHistogram(histogram, {
    bin: (bin) => Math.min(Math.max(bin, first), last),
    value: (value) => Math.min(Math.max(value, low), high) + 0,
  });
};

const signedBinOf = (value: number): number => Math.sign(value) * binOf(Math.abs(value));
