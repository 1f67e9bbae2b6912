/** Keras's layers that crop or resize images to a given size: CenterCrop and Resizing. */
import { unsupportedLayer } from '../fault.ts';
import {
  add,
  type Converter,
  type Image,
  isKnown,
  type Layer,
  makeImageValue,
  requireImageInput,
} from '../layer.ts';
import type { Value } from '../value.ts';

type Sides = readonly [height: number, width: number];

const sidesOf = (layer: Layer): Sides => [layer.config.count('height'), layer.config.count('width')];

type FixedImage = Omit<Image, 'size'> & { readonly size: Sides };

/** The only input as an image. @throws UserError ModelUnsupported for a free size */
const requireFixedSize = (layer: Layer, inputs: readonly Value[]): FixedImage => {
  const image = requireImageInput(layer, inputs);
  const { size } = image;
  if (!isKnown(size)) throw unsupportedLayer(layer, 'the size of its image is free');
  return { ...image, size: [size[0]!, size[1]!] };
};

/** Crops the middle. An image that is too small on a side is resized, as in Keras. */
const centerCrop: Converter = (layer, inputs) => {
  const image = requireFixedSize(layer, inputs);
  const target = sidesOf(layer);
  const fits = image.size.every((side, axis) => side >= target[axis]!);
  return fits
    ? cropMiddle(layer, image, target).value
    : addResize(layer, cropMiddle(layer, image, ofSameAspect(image.size, target)), {
        target,
        mode: 'bilinear',
      });
};

const resizing: Converter = (layer, inputs) => {
  const image = requireFixedSize(layer, inputs);
  const target = sidesOf(layer);
  layer.config.requireOnly('pad_to_aspect_ratio', false);
  layer.config.requireOnly('antialias', false);
  const mode = layer.config.raw('interpolation') ?? 'bilinear';
  if (!isMode(mode)) throw unsupportedLayer(layer, `its interpolation is ${JSON.stringify(mode)}`);
  const crops = layer.config.flag('crop_to_aspect_ratio', false);
  const whole = crops ? cropMiddle(layer, image, ofSameAspect(image.size, target)) : image;
  return addResize(layer, whole, { target, mode });
};

/** The largest part of an image with the target's aspect ratio, rounded as in Keras. */
const ofSameAspect = ([height, width]: Sides, [high, wide]: Sides): Sides => [
  Math.max(1, Math.min(height, Math.floor((width * high) / wide))),
  Math.max(1, Math.min(width, Math.floor((height * wide) / high))),
];

/** Crops the middle of the image. */
const cropMiddle = (layer: Layer, image: FixedImage, size: Sides): FixedImage => {
  const { graph, scope } = layer;
  const starts = image.size.map((side, axis) => Math.floor((side - size[axis]!) / 2));
  const ends = starts.map((start, axis) => start + size[axis]!);
  const name = add(layer, 'Slice', {
    inputs: [
      image.value.name,
      graph.integers(`${scope}/begin`, starts),
      graph.integers(`${scope}/end`, ends),
      graph.integers(`${scope}/axes`, [2, 3]),
    ],
    as: 'strided_slice',
  });
  const value = {
    ...makeImageValue(name, { ...image, size }),
    nonNegative: image.value.nonNegative ?? false,
  };
  return { ...image, size, value };
};

/** Interpolations of `tf.image.resize` in ONNX; all measure from pixel centres. */
const modes = {
  bilinear: { as: 'ResizeBilinear', attributes: { mode: { string: 'linear' } } },
  nearest: {
    as: 'ResizeNearestNeighbor',
    attributes: { mode: { string: 'nearest' }, nearest_mode: { string: 'round_prefer_ceil' } },
  },
  bicubic: {
    as: 'ResizeBicubic',
    attributes: {
      mode: { string: 'cubic' },
      cubic_coeff_a: { float: -0.5 },
      exclude_outside: { int: 1 },
    },
  },
} as const;

type Mode = keyof typeof modes;

const isMode = (word: unknown): word is Mode => typeof word === 'string' && Object.hasOwn(modes, word);

type ResizeOptions = { readonly target: Sides; readonly mode: Mode };

const addResize = (layer: Layer, image: FixedImage, { target, mode }: ResizeOptions): Value => {
  const factors = image.size.map((side, axis) => factorOf(side, target[axis]!));
  const scales = layer.graph.floats(`${layer.scope}/scales`, [4], Float32Array.of(1, 1, ...factors));
  const { as, attributes } = modes[mode];
  const name = add(layer, 'Resize', {
    inputs: [image.value.name, '', scales],
    as,
    attributes: { ...attributes, coordinate_transformation_mode: { string: 'half_pixel' } },
  });
  const nonNegative = mode !== 'bicubic' && (image.value.nonNegative ?? false);
  return { ...makeImageValue(name, { ...image, size: target }), nonNegative };
};

/**
 * The float32 factor that turns `from` pixels into `to`. ONNX rounds the product down, so the factor must not be too
 * small.
 */
const factorOf = (from: number, to: number): number => {
  const factor = Math.fround(to / from);
  return Math.fround(factor * from) < to ? Math.fround(factor * (1 + 2 ** -23)) : factor;
};

/** Converters by class name. */
export const sizeLayers: Readonly<Record<string, Converter>> = {
  CenterCrop: centerCrop,
  Resizing: resizing,
};
