/** Makes compressed zeros without compressing them, by repeating a block that does not refer to earlier ones. */
import { constants, deflateRawSync } from 'node:zlib';

const mebibyte = 2 ** 20;

/** A zlib stream of this many MiB of zeros, about 1 KiB per MiB, without its end and checksum. */
export const zeros = (mebibytes: number): Buffer => {
  const part = deflateRawSync(Buffer.alloc(mebibyte), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([Buffer.of(0x78, 0x9c), ...Array.from({ length: mebibytes }, () => part)]);
};
