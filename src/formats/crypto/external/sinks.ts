/**
 * Sinks for a program's output: one collects it in memory, one compares it with the expected bytes without keeping it.
 */

/** Receives the output of a program. */
export type Sink = {
  /** Returns false if the output is larger than the limit. */
  readonly take: (part: Uint8Array) => boolean;
  /** Bytes received so far. */
  readonly length: () => number;
};

/**
 * Largest accepted output in bytes. Ciphers add a few bytes; the limit leaves room for ASCII armour and compression,
 * and stops endless output.
 */
export const outputLimit = (inputBytes: number): number => 2 * inputBytes + 2 ** 20;

/** Collects the output. Memory for the usual size is allocated at once. */
export const createMemorySink = (inputBytes: number): Sink & { readonly bytes: () => Uint8Array } => {
  let buffer = new Uint8Array(inputBytes + 4096);
  let end = 0;
  return {
    take: (part) => {
      const start = end;
      end += part.length;
      if (end > outputLimit(inputBytes)) return false;
      if (end > buffer.length) buffer = grow(buffer, 2 * end);
      buffer.set(part, start);
      return true;
    },
    length: () => end,
    bytes: () => buffer.subarray(0, end),
  };
};

const grow = (bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(length);
  copy.set(bytes);
  return copy;
};

/** Compares the output with `expected` and keeps none of it. */
export const createCompareSink = (expected: Uint8Array): Sink & { readonly same: () => boolean } => {
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
