/** A layer as converters get it, and steps that most converters share. */

import type { AttributeValue } from '../../formats/onnx/node.ts';
import type { UserError } from '../../ground/base/errors.ts';
import type { Config, Margins } from './config.ts';
import { invalidLayer, type LayerLabel, unsupportedLayer } from './fault.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { LayerWeights } from './layer-weights.ts';
import { axisIn, elementsOf, imageOrder, type Size, sameOrder, sizesInOrder, type Value } from './value.ts';

/**
 * The Keras that trained a model. TLT's Keras pads `same` equally on both sides in convolutions and pools, and its
 * Flatten keeps the order of axes.
 */
export type Dialect = 'keras' | 'tlt';

/** Version of the file. Keras up to 2.3 and tf.keras (`2.2.4-tf`, 2.4 and later) differ. */
export type KerasVersion = { readonly major: number; readonly minor: number; readonly isTf: boolean };

/** One call of a layer, with its configuration, weights and the graph to add to. */
export type Layer = LayerLabel & {
  readonly config: Config;
  readonly weights: LayerWeights;
  readonly graph: GraphBuilder;
  readonly dialect: Dialect;
  readonly version: KerasVersion;
  /** Prefix of this call's tensor names: the path, with a number from the second call on. */
  readonly scope: string;
  /** The layer is inside a TimeDistributed, around which TensorFlow adds reshapes. */
  readonly isWrapped?: boolean;
  /** Records the range of a tensor from quantisation-aware training. */
  readonly noteRange: (tensor: string, range: number) => void;
  /** Records why the ranges of training cannot be used; the float graph still can. */
  readonly rejectRanges: (why: UserError) => void;
  /** Whether input `index` comes from a QDQ layer. */
  readonly isBehindQdq: (index: number) => boolean;
};

/** Converts one call of a layer: input values → output value. @throws UserError ModelInvalid, ModelUnsupported */
export type Converter = (layer: Layer, inputs: readonly Value[]) => Value;

/** A node to add to the scope of a layer. */
export type NodeRequest = {
  readonly inputs: readonly string[];
  /** TensorFlow's name of the operation, for example `BiasAdd`. */
  readonly as: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
};

/** The graph to add nodes to, and the prefix of their names. */
export type LayerScope = Pick<Layer, 'graph' | 'scope'>;

/** Adds a node to the layer's scope and returns the name of its output. */
export const add = (
  layer: LayerScope,
  opType: string,
  { inputs, as, attributes = {} }: NodeRequest,
): string => layer.graph.node(opType, { inputs, output: `${layer.scope}/${as}`, attributes });

/** The only input. @throws UserError ModelInvalid for another number of inputs */
export const requireSoleInput = (layer: Layer, inputs: readonly Value[]): Value => {
  const [input] = inputs;
  if (!input || inputs.length !== 1)
    throw invalidLayer(layer, `it gets ${inputs.length} tensors; expected one`);
  return input;
};

/** The value with its ONNX axes in another order: a Reshape if only axes of size 1 move, otherwise a Transpose. */
export const rearrange = (layer: LayerScope, value: Value, order: readonly number[]): Value => {
  if (sameOrder(value.order, order)) return value;
  const moving = (axes: readonly number[]) => axes.filter((axis) => value.shape[axis] !== 1);
  const target = sizesInOrder({ shape: value.shape, order });
  const onlyOnesMove = sameOrder(moving(value.order), moving(order)) && isKnown(target);
  const name = onlyOnesMove
    ? reshape(layer, value.name, target)
    : add(layer, 'Transpose', {
        inputs: [value.name],
        as: 'transpose',
        attributes: { perm: { ints: [0, ...order.map((axis) => value.order.indexOf(axis) + 1)] } },
      });
  return { ...value, name, order };
};

/** A Reshape that keeps the batch. */
export const reshape = (
  layer: LayerScope,
  tensor: string,
  sizes: readonly number[],
  as = 'Reshape',
): string => {
  const shape = layer.graph.integers(`${layer.scope}/${as}/shape`, [0, ...sizes]);
  return add(layer, 'Reshape', { inputs: [tensor, shape], as });
};

/** A constant per item, with the name of its tensor. */
export type Item = { readonly as: string; readonly shape: readonly number[]; readonly values: Float32Array };

/** A constant repeated for each item of a batch; `like` gives the batch size. */
export const repeatForEachItem = (layer: LayerScope, like: string, { as, shape, values }: Item): string => {
  const { graph, scope } = layer;
  const integers = (name: string, ...each: number[]) => graph.integers(`${scope}/${as}/${name}`, each);
  const whole = add(layer, 'Shape', { inputs: [like], as: `${as}/Shape` });
  const first = [whole, integers('begin', 0), integers('end', 1)];
  const items = add(layer, 'Slice', { inputs: first, as: `${as}/items` });
  const sizes = [items, integers('sizes', ...shape)];
  const multiples = add(layer, 'Concat', {
    inputs: sizes,
    as: `${as}/multiples`,
    attributes: { axis: { int: 0 } },
  });
  const constant = graph.floats(`${scope}/${as}/values`, [1, ...shape], values);
  const name = add(layer, 'Expand', { inputs: [constant, multiples], as });
  graph.noteItem(name, values);
  return name;
};

/** Whether no size is free. */
export const isKnown = (sizes: readonly Size[]): sizes is readonly number[] =>
  sizes.every((size) => size !== undefined);

/** An image, N,C,H,W in ONNX, with named sizes. */
export type Image = {
  readonly value: Value;
  readonly channels: number;
  readonly size: readonly [height: Size, width: Size];
  readonly channelsFirst: boolean;
};

/** The only input as an image in the layer's data_format. @throws UserError ModelInvalid for another rank */
export const requireImageInput = (layer: Layer, inputs: readonly Value[]): Image => {
  const input = requireSoleInput(layer, inputs);
  if (input.shape.length !== 3)
    throw invalidLayer(layer, `its input has ${input.shape.length + 1} axes; an image has 4`);
  const { channelsFirst } = layer.config;
  const value = rearrange(layer, input, imageOrder(channelsFirst));
  const [channels, height, width] = sizesInOrder(value);
  if (channels === undefined) throw unsupportedLayer(layer, 'the number of channels of its input is free');
  return { value, channels, size: [height, width], channelsFirst };
};

/** The value of an image, in Keras's order of axes. */
export const makeImageValue = (
  name: string,
  { channels, size, channelsFirst }: Omit<Image, 'value'>,
): Value => ({
  name,
  shape: channelsFirst ? [channels, ...size] : [...size, channels],
  order: imageOrder(channelsFirst),
});

/** Pads the image with zeros. */
export const padWithZeros = (layer: Layer, image: Image, [rows, columns]: Margins): Image => {
  const pads = [0, 0, rows[0], columns[0], 0, 0, rows[1], columns[1]];
  const inputs = [image.value.name, layer.graph.integers(`${layer.scope}/paddings`, pads)];
  const grown = (size: Size, [before, after]: readonly [number, number]) =>
    size === undefined ? undefined : size + before + after;
  const size = [grown(image.size[0], rows), grown(image.size[1], columns)] as const;
  const value = makeImageValue(add(layer, 'Pad', { inputs, as: 'Pad' }), { ...image, size });
  return { ...image, size, value: { ...value, nonNegative: image.value.nonNegative ?? false } };
};

/** Index into the shape of an axis as Keras counts it. @throws UserError ModelInvalid */
export const requireAxis = (layer: Layer, value: Value, axis: number): number =>
  axisIn(value, axis) ??
  (() => {
    throw invalidLayer(layer, `its axis is ${axis}; its input has ${value.shape.length + 1} axes`);
  })();

/** Number of elements of one item. @throws UserError ModelUnsupported if a size is free */
export const requireElements = (layer: Layer, shape: readonly Size[]): number => {
  const elements = elementsOf(shape);
  if (elements === undefined)
    throw unsupportedLayer(layer, 'a size of its input is free; a fixed size is required');
  return elements;
};
