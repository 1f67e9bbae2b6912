/** Histograms that follow exactly from another tensor's, so that the tensor need not be measured. */
import { binOf } from './float-bits.ts';
import { type Histogram, mapHistogram } from './histogram.ts';

/** Bounds of Clip; infinite where there is none. Relu is 0…∞. */
export type Clip = { readonly low: number; readonly high: number };

/**
 * The histogram of min(max(x, low), high). Values beyond a bound become that bound, and those of its bin were there
 * already, so every count is exact.
 */
export const clipHistogram = (histogram: Histogram, { low, high }: Clip): Histogram => {
  if (low <= histogram.min && histogram.max <= high) return histogram;
  const [first, last] = [signedBinOf(low), signedBinOf(high)];
  return mapHistogram(histogram, {
    bin: (bin) => Math.min(Math.max(bin, first), last),
    value: (value) => Math.min(Math.max(value, low), high) + 0,
  });
};

const signedBinOf = (value: number): number => Math.sign(value) * binOf(Math.abs(value)) + 0;
