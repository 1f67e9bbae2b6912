/** 8-bit pixels → network input: y = (x − mean) × scale, as [C,H,W]. */

/** The preprocessing of `--cal_image_dir`: channel order, mean and scale for x in 0…255. */
export type Preprocessing = {
  readonly order: 'RGB' | 'BGR';
  /** One value per channel, in network channel order. */
  readonly mean: readonly number[];
  /** One value for all channels, or one per channel in network channel order. */
  readonly scale: number | readonly number[];
};

/** Scale of one channel; `channel` is an index in network channel order. */
export const scaleOf = ({ scale }: Preprocessing, channel: number): number =>
  typeof scale === 'number' ? scale : scale[channel]!;

/** Caffe's ImageNet means, in BGR order. */
const caffe: Preprocessing = { order: 'BGR', mean: [103.939, 116.779, 123.68], scale: 1 };
const caffeGrey: Preprocessing = { order: 'RGB', mean: [117.3786], scale: 1 };
const unit: Preprocessing = { order: 'RGB', mean: [0, 0, 0], scale: 1 / 255 };

/** How TLT 2.0 preprocesses images of `--cal_image_dir` for this architecture; `channels` is 3 or 1. */
export const preprocessingOf = (architecture: string, channels: number): Preprocessing => {
  if (architecture === 'detectnet_v2') return unit;
  return channels === 1 ? caffeGrey : caffe;
};

/** An 8-bit picture. */
export type Pixels = {
  /** Interleaved: height × width × channels. */
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
};

/** Writes one image as float32 [C,H,W] into `target`, starting at index `offset`. */
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
