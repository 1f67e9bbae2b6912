/** From 8-bit pixels to what a TLT network is fed: y = (x − mean) × scale, planes first. */

export type Preprocessing = {
  readonly order: 'RGB' | 'BGR';
  /** One for each channel, in the order in which the network gets them. */
  readonly mean: readonly number[];
  /** One for all channels, or one for each, in the same order. */
  readonly scale: number | readonly number[];
};

export const scaleOf = ({ scale }: Preprocessing, channel: number): number =>
  typeof scale === 'number' ? scale : scale[channel]!;

/** Caffe's ImageNet means, blue first. */
const caffe: Preprocessing = { order: 'BGR', mean: [103.939, 116.779, 123.68], scale: 1 };
const caffeGrey: Preprocessing = { order: 'RGB', mean: [117.3786], scale: 1 };
const unit: Preprocessing = { order: 'RGB', mean: [0, 0, 0], scale: 1 / 255 };

/** What TLT 2.0 does with the images of `--cal_image_dir`. Channels are 3 or 1. */
export const preprocessingOf = (architecture: string, channels: number): Preprocessing => {
  if (architecture === 'detectnet_v2') return unit;
  return channels === 1 ? caffeGrey : caffe;
};

export type Pixels = {
  /** Interleaved: height × width × channels. */
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
};

/** Writes one image, [C,H,W], into `target` from `offset` on. */
export const normaliseInto = (
  target: Float32Array,
  offset: number,
  pixels: Pixels,
  how: Preprocessing,
): void => {
  const { data, height, width, channels } = pixels;
  const area = height * width;
  for (let channel = 0; channel < channels; channel++) {
    const from = how.order === 'BGR' ? channels - 1 - channel : channel;
    const mean = how.mean[channel]!;
    const scale = scaleOf(how, channel);
    const plane = offset + channel * area;
    for (let i = 0; i < area; i++) target[plane + i] = (data[i * channels + from]! - mean) * scale;
  }
};
