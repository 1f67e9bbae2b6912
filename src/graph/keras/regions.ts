/**
 * Layers on the regions of interest of faster_rcnn. Keras has an axis for them, (regions, C, H, W), and TimeDistributed
 * to run a layer on each; in the ONNX graph regions are additional items of the batch.
 */
import { Config, isObject, type Json } from './config.ts';
import { invalidLayer, type LayerLabel, unsupportedLayer } from './fault.ts';
import { type Converter, type Layer, requireSoleInput } from './layer.ts';
import type { LayerSpec } from './network.ts';
import type { Size, Value } from './value.ts';

/** The value of regions of an image: [count, C, H, W] in Keras, [N · count, C, H, W] in ONNX. */
export const makeRegionsValue = (name: string, [count, ...each]: readonly number[]): Value => ({
  name,
  shape: [count, ...each],
  order: each.map((_, axis) => axis + 1),
});

const isOfRegions = ({ shape, order }: Value): boolean => order.length < shape.length;

/** The layer itself, or the layer wrapped in a TimeDistributed. */
export type UnwrappedLayer = {
  readonly className: string;
  readonly config: Json;
  readonly isWrapped: boolean;
};

/** @throws UserError ModelInvalid for a wrapper without a layer */
export const unwrapLayer = ({ className, config }: LayerSpec, label: LayerLabel): UnwrappedLayer => {
  if (className !== 'TimeDistributed') return { className, config, isWrapped: false };
  const { layer } = config;
  if (!isObject(layer) || typeof layer.class_name !== 'string' || !isObject(layer.config))
    throw invalidLayer(label, 'it contains no layer');
  return { className: layer.class_name, config: layer.config, isWrapped: true };
};

/**
 * Adapts a converter to inputs that may be regions: applies it to each region separately where needed.
 * @throws UserError ModelUnsupported for a layer that combines regions
 */
export const adaptToRegions = (convert: Converter, { className, isWrapped }: UnwrappedLayer): Converter => {
  return (layer, inputs) => {
    if (isWrapped) return convertEachRegion(layer, inputs, convert);
    if (!inputs.some(isOfRegions) || elementwise.has(className)) return convert(layer, inputs);
    if (className === 'GlobalAveragePooling2D') return convertEachRegion(layer, inputs, convert);
    if (className === 'Reshape') return reshapeRegions(layer, inputs, convert);
    throw unsupportedLayer(layer, 'it combines the regions of an image');
  };
};

/** Layers that do not depend on the meaning of axes. */
const elementwise: ReadonlySet<string> = new Set([
  ...['Activation', 'ReLU', 'LeakyReLU', 'ELU', 'Dropout', 'QDQ'],
  ...['Add', 'Subtract', 'Multiply', 'Maximum', 'Minimum', 'Average', 'Concatenate'],
]);

const convertEachRegion: (layer: Layer, inputs: readonly Value[], convert: Converter) => Value = (
  layer,
  inputs,
  convert,
) => {
  const { shape, order, ...value } = requireSoleInput(layer, inputs);
  if (!isOfRegions({ shape, order, ...value }))
    throw unsupportedLayer(layer, 'its input is not regions of an image');
  const [count] = shape;
  const made = convert({ ...layer, isWrapped: true }, [
    { ...value, shape: shape.slice(1), order: order.map((axis) => axis - 1) },
  ]);
  return { ...made, shape: [count, ...made.shape], order: made.order.map((axis) => axis + 1) };
};

/**
 * EfficientNet's squeeze merges regions and channels into one axis before its pool and splits them after it, (R, C, H,
 * W) → (R·C, H, W) → (R, C, 1, 1). Here each region stays separate.
 */
const reshapeRegions = (layer: Layer, inputs: readonly Value[], convert: Converter): Value => {
  const value = requireSoleInput(layer, inputs);
  const [, ...sizes] = layer.config.integers('target_shape');
  if (value.shape.length === 4 && isSame(sizes, value.shape.slice(2))) return value;
  if (value.shape.length !== 2 || !isSame(sizes, [-1, 1, 1]))
    throw unsupportedLayer(layer, 'it merges the regions of an image');
  const config = new Config({ target_shape: sizes }, layer);
  return convertEachRegion({ ...layer, config }, inputs, convert);
};

const isSame = (a: readonly Size[], b: readonly Size[]): boolean => `${a}` === `${b}`;
