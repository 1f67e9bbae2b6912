/** Memory of large buffers, given back when it is known that nobody reads them any more. */

/** Less is not worth the call. */
const minBytes = 2 ** 16;

/** At once, where a collector would come later. What shares its buffer with other bytes stays. */
export const freeBuffer = ({ buffer, byteLength }: Uint8Array): void => {
  if (!(buffer instanceof ArrayBuffer) || byteLength < minBytes) return;
  if (byteLength === buffer.byteLength) buffer.transfer(0);
};
