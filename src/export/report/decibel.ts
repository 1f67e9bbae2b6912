/** Ratios in decibel, in a form that JSON can hold. */

/** `inf`: no noise at all; `-inf`: nothing but noise, or a NaN. */
export type Decibel = number | 'inf' | '-inf';

/** Of two powers; no noise is `inf` even without a signal. */
export const decibelOf = (signal: number, noise: number): Decibel =>
  noise === 0 ? 'inf' : asDecibel(10 * Math.log10(signal / noise));

export const asDecibel = (value: number): Decibel => {
  if (Number.isFinite(value)) return value;
  return value === Number.POSITIVE_INFINITY ? 'inf' : '-inf';
};

/** For sorting: a number in the same order. */
export const decibelNumber = (value: Decibel): number => {
  if (typeof value === 'number') return value;
  return value === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
};

export const decibelText = (value: Decibel): string => {
  if (typeof value === 'number') return `${value.toFixed(1)} dB`;
  return value === 'inf' ? 'no error' : 'all noise';
};
