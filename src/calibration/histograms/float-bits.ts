/**
 * Floats by their bits: the sign dropped, exponent and top mantissa bits are a bin number that grows with the magnitude.
 * No range has to be known beforehand, and finding a value's bin takes one shift.
 */

/** 2^9 bins to a doubling: a bin is at most 0.2 % wide. */
export const mantissaBits = 9;
export const binShift = 23 - mantissaBits;

export const signBit = -0x80000000;
export const magnitudeBits = 0x7fffffff;
/** Bits of infinity; magnitudes from here on are infinite or NaN. */
export const infinityBits = 0x7f800000;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

export const floatOfBits = (value: number): number => {
  bits[0] = value;
  return float[0]!;
};

/** Bin of a magnitude ≥ 0, rounded to float32. Bin 0 holds zero and what is below 2^-135. */
export const binOf = (magnitude: number): number => {
  float[0] = magnitude;
  return bits[0]! >>> binShift;
};

/** Smallest magnitude of a bin; the bin reaches up to the next one's. */
export const lowerEdge = (bin: number): number => floatOfBits(bin << binShift);
