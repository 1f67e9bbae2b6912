/** Selects the decoder by the content of a picture file. */
import { requireWithin } from '../../ground/base/limits.ts';
import { openReadable, type Readable, readableBytes } from '../../ground/base/readable.ts';
import { isBitmap, readBitmap } from './bitmap.ts';
import { decodeWithLibvips } from './decode-with-libvips.ts';
import { pixelLimit, tooManyPixels } from './decoder.ts';
import { isNetpbm, readNetpbm } from './netpbm.ts';
import type { Picture } from './picture.ts';
import { PictureFault } from './picture-fault.ts';
import type { PixelTurn } from './pixel-turns.ts';

/**
 * Decodes a file (by path) or its content, in its own size. The content decides the format, not the name. Waits for its turn
 * before decoding. @throws PictureFault, and errors of libvips
 */
export const readPicture = async (source: string | Uint8Array, turn: PixelTurn): Promise<Picture> => {
  using file = typeof source === 'string' ? openReadable(source) : inMemory(source);
  const start = file.read(0, 2);
  if (isBitmap(start) || isNetpbm(start)) {
    await turn.take(Number.POSITIVE_INFINITY); // alone: these decoders keep the thread to themselves anyway
    return (isBitmap(start) ? readBitmap : readNetpbm)(readWhole(file, source), requirePixels);
  }
  return await decodeWithLibvips(source, file, turn);
};

const inMemory = (bytes: Uint8Array) => ({ ...readableBytes(bytes), [Symbol.dispose]: () => {} });

const readWhole = (file: Readable, source: string | Uint8Array): Uint8Array => {
  const found = `Decoding the picture ${typeof source === 'string' ? source : 'in a record'}: it has`;
  requireWithin('pictureBytes', { claimed: file.size, reason: 'ImageInvalid', found });
  return file.whole();
};

/** @throws PictureFault */
const requirePixels = (width: number, height: number): void => {
  if (width * height > pixelLimit) throw new PictureFault(tooManyPixels(width, height));
};
