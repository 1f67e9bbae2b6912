/**
 * Layers on the regions that faster_rcnn cuts out of its feature map: Keras has an axis for them, (regions, C, H, W), and
 * TimeDistributed to run a layer on each; in the ONNX graph regions are further items of the batch.
 */
import { Config, isObject, type Json } from './config.ts';
import { invalidLayer, type LayerLabel, unsupportedLayer } from './fault.ts';
import { type Converter, type Layer, requireSoleInput } from './layer.ts';
import type { LayerSpec } from './network.ts';
import type { Size, Value } from './value.ts';

/** Regions of a picture, each a C,H,W of its own. */
export const makeRegionsValue = (name: string, [count, ...each]: readonly number[]): Value => ({
  name,
  shape: [count, ...each],
  order: each.map((_, axis) => axis + 1),
});

const isOfRegions = ({ shape, order }: Value): boolean => order.length < shape.length;

/** What a layer runs: itself, or what is wrapped in a TimeDistributed. */
export type UnwrappedLayer = {
  readonly className: string;
  readonly config: Json;
  readonly isWrapped: boolean;
};

/** @throws UserError ModelInvalid for a wrapper around nothing */
export const unwrapLayer = ({ className, config }: LayerSpec, label: LayerLabel): UnwrappedLayer => {
  if (className !== 'TimeDistributed') return { className, config, isWrapped: false };
  const { layer } = config;
  if (!isObject(layer) || typeof layer.class_name !== 'string' || !isObject(layer.config))
    throw invalidLayer(label, 'there is no layer in it');
  return { className: layer.class_name, config: layer.config, isWrapped: true };
};

/** The converter for what the layer is given: each region by itself where there are some. */
export const adaptToRegions = (convert: Converter, { className, isWrapped }: UnwrappedLayer): Converter => {
  return (layer, inputs) => {
    if (isWrapped) return convertEachRegion(layer, inputs, convert);
    if (!inputs.some(isOfRegions) || elementwise.has(className)) return convert(layer, inputs);
    if (className === 'GlobalAveragePooling2D') return convertEachRegion(layer, inputs, convert);
    if (className === 'Reshape') return reshapeRegions(layer, inputs, convert);
    throw unsupportedLayer(layer, 'it takes the regions of a picture all at once');
  };
};

/** Layers that are the same whatever the axes mean. */
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
    throw unsupportedLayer(layer, 'what it takes are no regions of a picture');
  const [count] = shape;
  const made = convert({ ...layer, isWrapped: true }, [
    { ...value, shape: shape.slice(1), order: order.map((axis) => axis - 1) },
  ]);
  return { ...made, shape: [count, ...made.shape], order: made.order.map((axis) => axis + 1) };
};

/**
 * EfficientNet's squeeze joins regions and channels to one axis before its pool and parts them behind it, (R, C, H, W) →
 * (R·C, H, W) → (R, C, 1, 1); here each region stays by itself.
 */
const reshapeRegions = (layer: Layer, inputs: readonly Value[], convert: Converter): Value => {
  const value = requireSoleInput(layer, inputs);
  const [, ...sizes] = layer.config.integers('target_shape');
  if (value.shape.length === 4 && isSame(sizes, value.shape.slice(2))) return value;
  if (value.shape.length !== 2 || !isSame(sizes, [-1, 1, 1]))
    throw unsupportedLayer(layer, 'it joins the regions of a picture');
  const config = new Config({ target_shape: sizes }, layer);
  return convertEachRegion({ ...layer, config }, inputs, convert);
};

const isSame = (a: readonly Size[], b: readonly Size[]): boolean => `${a}` === `${b}`;
