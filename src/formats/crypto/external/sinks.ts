/** Where the output of a program goes: into memory, or past the bytes that it should be, so that nothing is held twice. */

export type Sink = {
  /** False for more than may come. */
  readonly take: (part: Uint8Array) => boolean;
  /** Bytes taken. */
  readonly length: () => number;
};

/** Ciphers add a few bytes; this leaves room for armour and compression, and none for a program gone mad. */
export const outputLimit = (inputBytes: number): number => 2 * inputBytes + 2 ** 20;

/** Keeps all of it; the memory for what ciphers make of such an input is set aside at once. */
export const gathering = (inputBytes: number): Sink & { readonly bytes: () => Uint8Array } => {
  let kept = new Uint8Array(inputBytes + 4096);
  let end = 0;
  return {
    take: (part) => {
      const start = end;
      end += part.length;
      if (end > outputLimit(inputBytes)) return false;
      if (end > kept.length) kept = larger(kept, 2 * end);
      kept.set(part, start);
      return true;
    },
    length: () => end,
    bytes: () => kept.subarray(0, end),
  };
};

const larger = (bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(length);
  copy.set(bytes);
  return copy;
};

/** Keeps nothing, and knows whether it was the same as `expected`. */
export const comparing = (expected: Uint8Array): Sink & { readonly same: () => boolean } => {
  let end = 0;
  let same = true;
  return {
    take: (part) => {
      same &&= Buffer.compare(part, expected.subarray(end, end + part.length)) === 0;
      end += part.length;
      return end <= outputLimit(expected.length);
    },
    length: () => end,
    same: () => same && end === expected.length,
  };
};
