/** Compares bytes quickly; ava's deepEqual compares each byte as a property. */
export const sameBytes = (found: Uint8Array, expected: Uint8Array): boolean =>
  Buffer.compare(found, expected) === 0;
