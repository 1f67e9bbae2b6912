/** Resizes or crops a picture to the network size as the training loaders do. */
import { type Alignment, bilinear, type Plane } from './bilinear.ts';
import { nearestAxis } from './nearest-axis.ts';
import type { Pixels } from './normalise.ts';

/** How an image of any size becomes one of the network's size. */
export type Geometry =
  /** Classification: Pillow's nearest-neighbour resize; does not keep the aspect ratio. */
  | { readonly kind: 'nearest' }
  /** SSD family: bilinear with half-pixel centres and no antialiasing, like OpenCV. */
  | { readonly kind: 'bilinear' }
  /** yolo: keeps the aspect ratio, centres the picture, pads with the mean colour of the picture. */
  | { readonly kind: 'letterbox' }
  /** detectnet_v2 and faster_rcnn: no resize; pads with black at the right and bottom, then crops to the network size. */
  | { readonly kind: 'padCrop'; readonly left: number; readonly top: number }
  /** `enable_auto_resize`: bilinear with aligned corners, like TensorFlow 1. */
  | { readonly kind: 'autoResize' };

/** Size of the result, and the value of each level. */
export type Target = {
  readonly width: number;
  readonly height: number;
  /** 256 values: what each 8-bit level becomes. */
  readonly levels: Float32Array;
};

/**
 * Brings `pixels` to the size of `target`: float values, interleaved [target.height, target.width, channels of the picture].
 */
export const fitToNetwork = (pixels: Pixels, geometry: Geometry, target: Target): Plane => {
  switch (geometry.kind) {
    case 'nearest':
      return resizeNearest(pixels, target);
    case 'bilinear':
      return resizeBilinear(pixels, target, 'centre');
    case 'autoResize':
      return resizeBilinear(pixels, target, 'corner');
    case 'letterbox':
      return letterbox(pixels, target);
    case 'padCrop':
      return padAndCrop(pixels, target, geometry);
  }
};

const resizeBilinear = (pixels: Pixels, target: Target, alignment: Alignment): Plane =>
  bilinear(pixels, { ...target, alignment });

const resizeNearest = (pixels: Pixels, target: Target): Plane => {
  const across = nearestAxis(pixels.width, target.width);
  const down = nearestAxis(pixels.height, target.height);
  return copyPixels(pixels, target, { column: (x) => across[x]!, row: (y) => down[y]! });
};

const padAndCrop = (
  pixels: Pixels,
  target: Target,
  corner: { readonly left: number; readonly top: number },
): Plane => copyPixels(pixels, target, { column: (x) => x + corner.left, row: (y) => y + corner.top });

type Origins = { readonly column: (x: number) => number; readonly row: (y: number) => number };

/** Copies one source pixel per output; 0 outside the picture. */
const copyPixels = (pixels: Pixels, { width, height, levels }: Target, { column, row }: Origins): Plane => {
  const { data, channels } = pixels;
  const result = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = [column(x), row(y)];
      if (fromX >= pixels.width || fromY >= pixels.height) continue;
      const from = (fromY * pixels.width + fromX) * channels;
      const to = (y * width + x) * channels;
      for (let channel = 0; channel < channels; channel++)
        result[to + channel] = levels[data[from + channel]!]!;
    }
  return { data: result, width, height };
};

const letterbox = (pixels: Pixels, target: Target): Plane => {
  const ratio = Math.min(target.width / pixels.width, target.height / pixels.height);
  const width = Math.max(1, Math.round(pixels.width * ratio));
  const height = Math.max(1, Math.round(pixels.height * ratio));
  const inner = resizeBilinear(pixels, { ...target, width, height }, 'centre');
  const mean = channelMeans(pixels, target.levels);
  const row = target.width * pixels.channels;
  const data = fillColour(mean, target.height * target.width);
  const left = ((target.width - width) >> 1) * pixels.channels;
  const top = (target.height - height) >> 1;
  const length = width * pixels.channels;
  for (let y = 0; y < height; y++)
    data.set(inner.data.subarray(y * length, (y + 1) * length), (top + y) * row + left);
  return { data, width: target.width, height: target.height };
};

/** Fills with one colour by doubling the filled part: copyWithin is faster than a loop over pixels. */
const fillColour = (colour: readonly number[], pixels: number): Float32Array => {
  const data = new Float32Array(pixels * colour.length);
  data.set(colour);
  for (let filled = colour.length; filled < data.length; filled *= 2) data.copyWithin(filled, 0, filled);
  return data;
};

/** Mean of each channel over the whole picture. */
const channelMeans = ({ data, channels, width, height }: Pixels, levels: Float32Array): readonly number[] => {
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i += channels)
    for (let channel = 0; channel < channels; channel++) sums[channel]! += levels[data[i + channel]!]!;
  return Array.from(sums, (sum) => sum / (width * height));
};
