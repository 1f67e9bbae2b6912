/**
 * Thumbnails of the network input: the tensor itself, converted back to pixels. A wrong channel order, mean or crop shows as
 * false colours or a wrong section.
 */
import { sharp } from './decoder.ts';
import { type Preprocessing, scaleOf } from './normalise.ts';

/** One preprocessed image. */
export type Planes = {
  /** [C,H,W] */
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
};

/** Longest side of a thumbnail, in pixels. */
const longestSide = 256;

/** Renders a PNG of at most 256 × 256 pixels, as a `data:` URI. `how` is the preprocessing to undo. */
export const renderThumbnail = async (planes: Planes, how: Preprocessing): Promise<string> => {
  const { width, height, channels } = planes;
  const png = await sharp(pixelsOf(planes, how), { raw: { width, height, channels: channels === 1 ? 1 : 3 } })
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
};

/** Undoes the preprocessing: 8-bit RGB or grey [H,W,C], x = y / scale + mean, clipped to 0…255. */
export const pixelsOf = ({ data, channels, height, width }: Planes, how: Preprocessing): Uint8Array => {
  const area = height * width;
  const pixels = new Uint8ClampedArray(area * channels);
  for (let channel = 0; channel < channels; channel++) {
    const to = how.order === 'BGR' ? channels - 1 - channel : channel;
    const mean = how.mean[channel]!;
    const scale = scaleOf(how, channel);
    for (let i = 0; i < area; i++) pixels[i * channels + to] = data[channel * area + i]! / scale + mean;
  }
  return new Uint8Array(pixels.buffer);
};
