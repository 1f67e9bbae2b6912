/**
 * A picture of what the network is fed: the tensor itself, turned back into pixels. A channel order, a mean or a crop
 * that is not the architecture's shows as false colours or a wrong cut.
 */
import { sharp } from './decoder.ts';
import { type Preprocessing, scaleOf } from './normalise.ts';

export type Planes = {
  /** [C,H,W] */
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
};

/** Longest side of a thumbnail, in pixels. */
const longestSide = 256;

/** A `data:` URI of a PNG, at most 256 pixels wide and high. */
export const renderThumbnail = async (planes: Planes, how: Preprocessing): Promise<string> => {
  const { width, height, channels } = planes;
  const png = await sharp(pixelsOf(planes, how), { raw: { width, height, channels: channels === 1 ? 1 : 3 } })
    .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
};

/** Interleaved 8-bit RGB or grey: x = y / scale + mean, cut to 0…255. */
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
