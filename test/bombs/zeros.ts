/** Compressed zeros without compressing them: parts that begin without memory of the one before can be repeated. */
import { constants, deflateRawSync } from 'node:zlib';

const mebibyte = 2 ** 20;

/** A zlib stream of so many MiB of zeros, about 1 KiB each; its end, with the checksum, is missing. */
export const zeros = (mebibytes: number): Buffer => {
  const part = deflateRawSync(Buffer.alloc(mebibyte), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([Buffer.of(0x78, 0x9c), ...Array.from({ length: mebibytes }, () => part)]);
};
