/** Reads the pixels of an image file. */
import { type ImageInput, usePixels } from '../../src/data/preprocessing/decode.ts';
import type { Pixels } from '../../src/data/preprocessing/normalise.ts';

export const decodePixels = (input: ImageInput): Promise<Pixels> => usePixels(input, (pixels) => pixels);
