/** How a training loader brings a picture to the network's size. */
import { type Alignment, bilinear, type Plane } from './bilinear.ts';
import { nearestAxis } from './nearest-axis.ts';
import type { Pixels } from './normalise.ts';

export type Geometry =
  /** Pillow's nearest, without the aspect ratio: classification. */
  | { readonly kind: 'nearest' }
  /** Bilinear with half-pixel centres and without antialiasing, as OpenCV: the SSD family. */
  | { readonly kind: 'bilinear' }
  /** Keeps the aspect ratio, centred, the rest filled with the picture's own mean: yolo. */
  | { readonly kind: 'letterbox' }
  /** No resize: black is added right and below, then a rectangle of the network's size is cut: detectnet_v2, faster_rcnn. */
  | { readonly kind: 'padCrop'; readonly left: number; readonly top: number }
  /** `enable_auto_resize`: bilinear as in TensorFlow 1, corner against corner. */
  | { readonly kind: 'autoResize' };

export type Target = {
  readonly width: number;
  readonly height: number;
  /** Value of each level 0…255. */
  readonly levels: Float32Array;
};

/** Interleaved float values, target.height × target.width × the picture's channels. */
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

/** Each output is one source pixel, or 0 where there is none. */
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

/** One colour throughout: doubled from pixel to pixel, as memory is copied fastest. */
const fillColour = (colour: readonly number[], pixels: number): Float32Array => {
  const data = new Float32Array(pixels * colour.length);
  data.set(colour);
  for (let filled = colour.length; filled < data.length; filled *= 2) data.copyWithin(filled, 0, filled);
  return data;
};

/** Of each channel, over the whole picture. */
const channelMeans = ({ data, channels, width, height }: Pixels, levels: Float32Array): readonly number[] => {
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i += channels)
    for (let channel = 0; channel < channels; channel++) sums[channel]! += levels[data[i + channel]!]!;
  return Array.from(sums, (sum) => sum / (width * height));
};
