/**
 * Bins from the bits of a float32: without the sign, exponent and top mantissa bits form a bin number that grows with the
 * magnitude. The range need not be known in advance, and finding the bin takes one shift.
 */

/** 2^9 bins per power of two: a bin is at most 0.2 % wide. */
export const mantissaBits = 9;
/** Right shift from magnitude bits to a bin number. */
export const binShift = 23 - mantissaBits;

/** Mask of the sign bit, as int32. */
export const signBit = -0x80000000;
/** Mask of exponent and mantissa. */
export const magnitudeBits = 0x7fffffff;
/** Bits of infinity; larger magnitude bits are NaN. */
export const infinityBits = 0x7f800000;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Reinterprets int32 bits as float32. */
export const floatOfBits = (value: number): number => {
  bits[0] = value;
  return float[0]!;
};

/** Bin of a magnitude ≥ 0, after rounding it to float32. Bin 0 holds zero and magnitudes below 2^-135. */
export const binOf = (magnitude: number): number => {
  float[0] = magnitude;
  return bits[0]! >>> binShift;
};

/** Smallest magnitude of a bin; its upper edge is the lower edge of the next bin. */
export const lowerEdge = (bin: number): number => floatOfBits(bin << binShift);
