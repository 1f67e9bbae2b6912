/** Activation layers. */
import { applyActivation, clippedRelu, elu, leakyRelu, relu, softmax } from '../activation.ts';
import { unsupportedLayer } from '../fault.ts';
import { add, type Converter, requireAxis, requireSoleInput } from '../layer.ts';
import { sizesInOrder } from '../value.ts';

/** Converters by class name. */
export const activationLayers: Readonly<Record<string, Converter>> = {
  Activation: (layer, inputs) =>
    applyActivation(layer, requireSoleInput(layer, inputs), layer.config.raw('activation')),

  ReLU: (layer, inputs) => {
    const value = requireSoleInput(layer, inputs);
    const limit = layer.config.raw('max_value');
    const highest = limit === Number.POSITIVE_INFINITY ? undefined : limit;
    layer.config.requireOnly('threshold', 0);
    const slope = layer.config.number('negative_slope', 0);
    if (slope !== 0 && highest !== undefined)
      throw unsupportedLayer(layer, 'it has both a max_value and a negative_slope');
    if (slope !== 0) return leakyRelu(layer, value, slope);
    return highest === undefined
      ? relu(layer, value)
      : clippedRelu(layer, value, layer.config.number('max_value', 0));
  },

  /** Before Keras 3 the slope is called `alpha`. */
  LeakyReLU: (layer, inputs) => {
    const { config } = layer;
    const alpha = config.number('negative_slope', config.number('alpha', 0.3));
    return leakyRelu(layer, requireSoleInput(layer, inputs), alpha);
  },

  ELU: (layer, inputs) => elu(layer, requireSoleInput(layer, inputs), layer.config.number('alpha', 1)),

  Softmax: (layer, inputs) => {
    const value = requireSoleInput(layer, inputs);
    return softmax(layer, value, requireAxis(layer, value, layer.config.integer('axis', -1)));
  },

  /** One slope per element of an item, shared along `shared_axes`. */
  PReLU: (layer, inputs) => {
    const value = requireSoleInput(layer, inputs);
    const shared = new Set(
      layer.config.raw('shared_axes') === undefined ? [] : layer.config.integers('shared_axes'),
    );
    const shape = value.shape.map((size, axis) => (shared.has(axis + 1) ? 1 : size));
    if (shape.includes(undefined)) throw unsupportedLayer(layer, 'a size of its input is free');
    const slope = layer.weights.tensor(layer.graph, {
      name: 'alpha',
      shape: shape as number[],
      order: value.order,
      dims: sizesInOrder({ shape, order: value.order }) as number[],
    });
    return {
      ...value,
      name: add(layer, 'PRelu', { inputs: [value.name, slope], as: 'PRelu' }),
      nonNegative: false,
    };
  },
};
