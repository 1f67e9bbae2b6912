/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), and its masked form in TFRecord. */

const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
  return remainder;
});

/** CRC-32C as an unsigned 32-bit integer; 0 for no bytes. */
export const crc32c = (bytes: Uint8Array): number => {
  let state = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) state = (state >>> 8) ^ table[(state ^ bytes[i]!) & 0xff]!;
  return ~state >>> 0;
};

/**
 * Masked CRC of TFRecord: rotated right by 15 bits plus a constant, so that a CRC over data with embedded CRCs stays useful.
 */
export const maskCrc = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
