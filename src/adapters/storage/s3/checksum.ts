/** Checksums that S3 reports for whole objects: SHA-256, SHA-1, CRC-32, CRC-32C and CRC-64/NVME. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A running checksum. */
export type Checksum = {
  readonly update: (bytes: Uint8Array) => void;
  /** In base64, as S3 writes it. */
  readonly digest: () => string;
};

const hashing = (algorithm: string) => (): Checksum => {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
};

const crc32Checksum = (): Checksum => {
  let crc = 0;
  return {
    update: (bytes) => {
      crc = crc32(bytes, crc);
    },
    digest: () => base64Of([crc]),
  };
};

/** Big-endian words in base64. */
const base64Of = (words: readonly number[]): string => {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [at, word] of words.entries()) bytes.writeUInt32BE(word >>> 0, at * 4);
  return bytes.toString('base64');
};

/** Remainders of all bytes for a reflected polynomial, which is given as its high and low word. */
const makeTable = ([high, low]: readonly [number, number]): {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
} => {
  const table = { high: new Uint32Array(256), low: new Uint32Array(256) };
  for (let byte = 0; byte < 256; byte++) {
    let [h, l] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const odd = (l & 1) === 1;
      l = ((l >>> 1) | (h << 31)) >>> 0;
      h >>>= 1;
      if (odd) [h, l] = [(h ^ high) >>> 0, (l ^ low) >>> 0];
    }
    table.high[byte] = h;
    table.low[byte] = l;
  }
  return table;
};

/** The reflected polynomials of CRC-32C (RFC 3720) and CRC-64/NVME (NVM Express 1.0e). */
const polynomials = { crc32c: [0, 0x82f63b78], crc64nvme: [0x9a6c9329, 0xac4bc9b5] } as const;

const reflectedCrc = (name: keyof typeof polynomials) => (): Checksum => {
  const table = makeTable(polynomials[name]);
  let high = name === 'crc64nvme' ? 0xffffffff : 0;
  let low = 0xffffffff;
  return {
    update: (bytes) => {
      for (const byte of bytes) {
        const at = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ table.low[at]!;
        high = (high >>> 8) ^ table.high[at]!;
      }
    },
    digest: () => base64Of(name === 'crc64nvme' ? [~high, ~low] : [~low]),
  };
};

/** Fields of an answer of S3, strongest first. */
const algorithms = {
  ChecksumSHA256: hashing('sha256'),
  ChecksumSHA1: hashing('sha1'),
  ChecksumCRC64NVME: reflectedCrc('crc64nvme'),
  ChecksumCRC32C: reflectedCrc('crc32c'),
  ChecksumCRC32: crc32Checksum,
} as const;

/** The checksums of an answer. */
export type ChecksumFields = { readonly [Name in keyof typeof algorithms]?: string | undefined } & {
  readonly ChecksumType?: string | undefined;
};

/** A checksum to compute, and its expected value. */
export type ExpectedChecksum = { readonly make: () => Checksum; readonly expected: string };

/** The strongest checksum of the whole object; undefined if the server gave none, or those of parts. */
export const chooseChecksum = (answer: ChecksumFields): ExpectedChecksum | undefined => {
  if (answer.ChecksumType === 'COMPOSITE') return undefined;
  for (const [name, make] of Object.entries(algorithms)) {
    const expected = answer[name as keyof typeof algorithms];
    if (expected !== undefined && !expected.includes('-')) return { make, expected };
  }
  return undefined;
};
