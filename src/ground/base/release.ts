/** Frees large buffers explicitly, before the garbage collector would. */

/** Smaller buffers are not worth the call. */
const minBytes = 2 ** 16;

/** Frees the memory of an array that is no longer used. An array that shares its buffer with others is left alone. */
export const freeBuffer = ({ buffer, byteLength }: ArrayBufferView): void => {
  if (!(buffer instanceof ArrayBuffer) || byteLength < minBytes) return;
  if (byteLength === buffer.byteLength) buffer.transfer(0);
};
