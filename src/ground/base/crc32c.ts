/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), and the mask that TFRecord puts over it. */

const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
  return remainder;
});

/** Unsigned 32 bits; 0 for no bytes. */
export const crc32c = (bytes: Uint8Array): number => {
  let state = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) state = (state >>> 8) ^ table[(state ^ bytes[i]!) & 0xff]!;
  return ~state >>> 0;
};

/** Rotated right by 15 bits, plus a constant, so that a CRC over data that hold CRCs stays sound. */
export const maskCrc = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
