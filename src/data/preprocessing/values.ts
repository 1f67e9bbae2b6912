/**
 * Normalisation of the training loaders: levels 0…255 → network input, by scale, channel order, mean and divisor of each
 * architecture. `normalise.ts` is the counterpart for `--cal_image_dir`.
 */
import type { Preprocessing } from './normalise.ts';

/** Normalisation of a training loader: y = (x × scale − mean) / divisor. */
export type PixelScaling = {
  /** Channel order of the network; RGB for a single channel. */
  readonly order: 'RGB' | 'BGR';
  /** Round level / 255 to float16 first, like the loader of detectnet_v2 and faster_rcnn. */
  readonly half: boolean;
  /** For x in 0…255; one mean per channel, in network channel order. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly divisor: number;
};

/** The equivalent mean and scale of the `--cal_image_dir` form; thumbnails use it to invert the mapping. */
export const toPreprocessing = ({ order, scale, mean, divisor }: PixelScaling): Preprocessing => ({
  order,
  mean: mean.map((each) => each / scale),
  scale: scale / divisor,
});

/** detectnet_v2: RGB values in [0,1]. */
export const detectnetValues = (channels: 1 | 3): PixelScaling => ({
  order: 'RGB',
  half: true,
  scale: 1 / 255,
  mean: Array(channels).fill(0),
  divisor: 1,
});

/** Caffe's ImageNet means by number of channels: grey, or blue, green, red. */
export const caffeMeans = { 1: [117.3786], 3: [103.939, 116.779, 123.68] } as const;

/** `preprocess_mode: caffe` of classification, and the SSD family. `means`: `image_mean` of the spec, in BGR order. */
export const caffeValues = (
  channels: 1 | 3,
  means: readonly number[] = caffeMeans[channels],
): PixelScaling => ({
  order: channels === 3 ? 'BGR' : 'RGB',
  half: false,
  scale: 1,
  mean: means,
  divisor: 1,
});

/**
 * `preprocess_mode: torch` of classification. TLT divides all three channels by .224, not by ImageNet's .229, .224, .225.
 */
export const torchValues = (channels: 1 | 3): PixelScaling => ({
  order: 'RGB',
  half: false,
  scale: 1 / 255,
  mean: channels === 3 ? [0.485, 0.456, 0.406] : [0.449],
  divisor: 0.224,
});

/** `preprocess_mode: tf` of classification: values in [-1,1]. */
export const tfValues = (channels: 1 | 3): PixelScaling => ({
  order: 'RGB',
  half: false,
  scale: 1 / 127.5,
  mean: Array(channels).fill(1),
  divisor: 1,
});

/** Pixel settings of a faster_rcnn spec. */
export type FasterRcnnOptions = {
  readonly order: 'RGB' | 'BGR';
  /** `image_channel_mean` of the spec in network channel order, 0…255. */
  readonly mean: readonly number[];
  /** `image_scaling_factor` of the spec. */
  readonly scaling: number;
};

/** faster_rcnn: the levels of detectnet_v2 scaled back to 0…255, then mean and divisor of the spec. */
export const fasterRcnnValues = ({ order, mean, scaling }: FasterRcnnOptions): PixelScaling => ({
  order,
  half: true,
  scale: 1,
  mean,
  divisor: scaling,
});

/** Lookup table with 256 entries: 8-bit level → value before the mean is subtracted. */
export const levelsOf = ({ half, scale }: PixelScaling): Float32Array =>
  Float32Array.from({ length: 256 }, (_, level) =>
    half ? Math.f16round(level / 255) * 255 * scale : level * scale,
  );

/**
 * Writes one picture as [C,H,W] into `target`, starting at index `offset`. `data` is interleaved and already mapped by
 * `levelsOf`. A single-channel network gets the luma (ITU-R BT.601) of a three-channel picture, as in the SSD family.
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

/** One resized picture and how to normalise it; `data` is interleaved [H,W,from]. */
export type Valued = {
  readonly data: Float32Array;
  readonly values: PixelScaling;
  /** Channels of `data`. */
  readonly from: number;
  /** Channels of the network. */
  readonly channels: number;
};

const computeLuma = (data: Float32Array, at: number): number =>
  data[at]! * 0.299 + data[at + 1]! * 0.587 + data[at + 2]! * 0.114;
