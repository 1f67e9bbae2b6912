/**
 * From levels 0…255 to what a network was trained on: scale, order, mean, divisor, each architecture in its own way.
 * Unlike `normalise.ts`, which is the `--cal_image_dir` path, these are the training loaders'.
 */
import type { Preprocessing } from './normalise.ts';

export type Values = {
  /** Order of the planes; of one channel it is RGB. */
  readonly order: 'RGB' | 'BGR';
  /** Levels go through float16 as level / 255 first, as in the loader of detectnet_v2 and faster_rcnn. */
  readonly half: boolean;
  /** y = (x × scale − mean) / divisor; x in 0…255, one mean for each channel, in the order of the planes. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly divisor: number;
};

/** The same mapping as the `--cal_image_dir` path would write it, for who turns values back into levels. */
export const toPreprocessing = ({ order, scale, mean, divisor }: Values): Preprocessing => ({
  order,
  mean: mean.map((each) => each / scale),
  scale: scale / divisor,
});

/** detectnet_v2: [0,1], RGB. */
export const detectnetValues = (channels: 1 | 3): Values => ({
  order: 'RGB',
  half: true,
  scale: 1 / 255,
  mean: Array(channels).fill(0),
  divisor: 1,
});

/** In the order of the planes: blue first for BGR; one number for grey. */
export const caffeMeans = { 1: [117.3786], 3: [103.939, 116.779, 123.68] } as const;

/** Classification's `caffe`, and the SSD family; `means` are the spec's `image_mean`, blue first. */
export const caffeValues = (channels: 1 | 3, means: readonly number[] = caffeMeans[channels]): Values => ({
  order: channels === 3 ? 'BGR' : 'RGB',
  half: false,
  scale: 1,
  mean: means,
  divisor: 1,
});

/** Classification's `torch`; TLT divides all three channels by .224, not by ImageNet's .229, .224, .225. */
export const torchValues = (channels: 1 | 3): Values => ({
  order: 'RGB',
  half: false,
  scale: 1 / 255,
  mean: channels === 3 ? [0.485, 0.456, 0.406] : [0.449],
  divisor: 0.224,
});

/** Classification's `tf`: [-1,1]. */
export const tfValues = (channels: 1 | 3): Values => ({
  order: 'RGB',
  half: false,
  scale: 1 / 127.5,
  mean: Array(channels).fill(1),
  divisor: 1,
});

export type FasterRcnnOptions = {
  readonly order: 'RGB' | 'BGR';
  /** `image_channel_mean` in the order of the planes, 0…255. */
  readonly mean: readonly number[];
  /** `image_scaling_factor`. */
  readonly scaling: number;
};

/** faster_rcnn: detectnet's levels, brought back to 0…255. */
export const fasterRcnnValues = ({ order, mean, scaling }: FasterRcnnOptions): Values => ({
  order,
  half: true,
  scale: 1,
  mean,
  divisor: scaling,
});

/** Level → value before order and mean: 256 numbers. */
export const levelsOf = ({ half, scale }: Values): Float32Array =>
  Float32Array.from({ length: 256 }, (_, level) =>
    half ? Math.f16round(level / 255) * 255 * scale : level * scale,
  );

/**
 * Writes one picture, planes first, into `target` from `offset` on; `data` is interleaved and went through `levelsOf`.
 * A network of one channel that is given three gets their luma (ITU-R BT.601), as the SSD family takes it.
 */
export const valuesInto = (target: Float32Array, offset: number, picture: Valued): void => {
  const { data, values, from, channels } = picture;
  const area = data.length / from;
  for (let channel = 0; channel < channels; channel++) {
    const source = values.order === 'BGR' ? channels - 1 - channel : channel;
    const mean = values.mean[channel]!;
    const plane = offset + channel * area;
    for (let i = 0; i < area; i++) {
      const value = channels < from ? computeLuma(data, i * from) : data[i * from + source]!;
      target[plane + i] = (value - mean) / values.divisor;
    }
  }
};

export type Valued = {
  readonly data: Float32Array;
  readonly values: Values;
  /** Channels of `data`. */
  readonly from: number;
  /** Channels of the network. */
  readonly channels: number;
};

const computeLuma = (data: Float32Array, at: number): number =>
  data[at]! * 0.299 + data[at + 1]! * 0.587 + data[at + 2]! * 0.114;
