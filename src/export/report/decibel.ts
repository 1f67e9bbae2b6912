/** Ratios in decibel, in a form that JSON can represent. */

/** `inf`: no noise; `-inf`: only noise, or NaN. */
export type Decibel = number | 'inf' | '-inf';

/** Ratio of two powers; without noise `inf`, even without a signal. */
export const decibelOf = (signal: number, noise: number): Decibel =>
  noise === 0 ? 'inf' : asDecibel(10 * Math.log10(signal / noise));

/** A decibel value from a number. */
export const asDecibel = (value: number): Decibel => {
  if (Number.isFinite(value)) return value;
  return value === Number.POSITIVE_INFINITY ? 'inf' : '-inf';
};

/** The value as a number, for sorting. */
export const decibelNumber = (value: Decibel): number => {
  if (typeof value === 'number') return value;
  return value === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
};

/** The value as text: `12.3 dB`, `no error` or `all noise`. */
export const decibelText = (value: Decibel): string => {
  if (typeof value === 'number') return `${value.toFixed(1)} dB`;
  return value === 'inf' ? 'no error' : 'all noise';
};
