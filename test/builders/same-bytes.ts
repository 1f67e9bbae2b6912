/** One comparison of memory, where ava's deepEqual looks at each byte as a property of its own. */
export const sameBytes = (found: Uint8Array, expected: Uint8Array): boolean =>
  Buffer.compare(found, expected) === 0;
