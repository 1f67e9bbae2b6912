/** Activation functions by their Keras names, for the layer `Activation` and the `activation` of other layers. */
import { formatValue, isObject } from './config.ts';
import { unsupportedLayer } from './fault.ts';
import { add, type Layer } from './layer.ts';
import type { Value } from './value.ts';

type Make = (layer: Layer, value: Value) => Value;

const makeSimple =
  (opType: string, as: string, nonNegative = false): Make =>
  (layer, value) => ({ ...value, name: add(layer, opType, { inputs: [value.name], as }), nonNegative });

/** max(0, x) */
export const relu = makeSimple('Relu', 'Relu', true);
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = makeSimple('Sigmoid', 'Sigmoid', true);

/** A constant for an operator that takes it as an input. */
const scalar = (layer: Layer, as: string, value: number): string =>
  layer.graph.floats(`${layer.scope}/${as}`, [], Float32Array.of(value));

/** max(0, min(x, highest)) */
export const clippedRelu = (layer: Layer, value: Value, highest: number): Value => {
  const limits = [scalar(layer, 'Relu6/least', 0), scalar(layer, 'Relu6/highest', highest)];
  const name = add(layer, 'Clip', { inputs: [value.name, ...limits], as: 'Relu6' });
  return { ...value, name, nonNegative: true };
};

/** x if x ≥ 0, otherwise alpha · x. */
export const leakyRelu = (layer: Layer, value: Value, alpha: number): Value =>
  withAlpha(layer, value, { opType: 'LeakyRelu', as: 'LeakyRelu', alpha });

/** x if x ≥ 0, otherwise alpha · (eˣ − 1). arXiv 1511.07289 */
export const elu = (layer: Layer, value: Value, alpha: number): Value =>
  withAlpha(layer, value, { opType: 'Elu', as: 'Elu', alpha });

type WithAlpha = { readonly opType: string; readonly as: string; readonly alpha: number };

const withAlpha = (layer: Layer, value: Value, { opType, as, alpha }: WithAlpha): Value => ({
  ...value,
  name: add(layer, opType, { inputs: [value.name], as, attributes: { alpha: { float: alpha } } }),
  nonNegative: false,
});

/** Softmax along one axis of Keras's shape; the last one by default. */
export const softmax = (layer: Layer, value: Value, axis = value.shape.length - 1): Value => ({
  ...value,
  name: add(layer, 'Softmax', {
    inputs: [value.name],
    as: 'Softmax',
    attributes: { axis: { int: value.order.indexOf(axis) + 1 } },
  }),
  nonNegative: true,
});

/** x · σ(x), arXiv 1710.05941 */
const swish: Make = (layer, value) => times(layer, value, sigmoid(layer, value).name);

/** x · tanh(ln(1 + eˣ)), arXiv 1908.08681 */
const mish: Make = (layer, value) => {
  const soft = add(layer, 'Softplus', { inputs: [value.name], as: 'Softplus' });
  return times(layer, value, add(layer, 'Tanh', { inputs: [soft], as: 'Tanh' }));
};

const times = (layer: Layer, value: Value, factor: string): Value => ({
  ...value,
  name: add(layer, 'Mul', { inputs: [value.name, factor], as: 'mul' }),
  nonNegative: false,
});

/** Keras 2 clips 0.2x + 0.5, Keras 3 x/6 + 0.5. */
const hardSigmoid: Make = (layer, value) => {
  const attributes = { alpha: { float: layer.version.major >= 3 ? 1 / 6 : 0.2 }, beta: { float: 0.5 } };
  const name = add(layer, 'HardSigmoid', { inputs: [value.name], as: 'clip_by_value', attributes });
  return { ...value, name, nonNegative: true };
};

const functions: Readonly<Record<string, Make>> = {
  linear: (_, value) => value,
  relu,
  relu6: (layer, value) => clippedRelu(layer, value, 6),
  sigmoid,
  hard_sigmoid: hardSigmoid,
  tanh: makeSimple('Tanh', 'Tanh'),
  softmax: (layer, value) => softmax(layer, value),
  elu: (layer, value) => elu(layer, value, 1),
  selu: makeSimple('Selu', 'Selu'),
  softplus: makeSimple('Softplus', 'Softplus', true),
  softsign: makeSimple('Softsign', 'Softsign'),
  exponential: makeSimple('Exp', 'Exp', true),
  leaky_relu: (layer, value) => leakyRelu(layer, value, 0.2),
  swish,
  silu: swish,
  mish,
};

/**
 * Applies the `activation` of a layer's configuration; nothing if undefined.
 * @throws UserError ModelUnsupported for an unknown function
 */
export const applyActivation = (layer: Layer, value: Value, given: unknown): Value => {
  if (given === undefined) return value;
  const name = activationName(given);
  const make = name !== undefined && Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!make)
    throw unsupportedLayer(
      layer,
      `its activation is ${formatValue(given)}; supported are ${Object.keys(functions).join(', ')}`,
    );
  return make(layer, value);
};

/** `relu`, or `{class_name: 'function', config: 'relu'}` in later versions. A function with parameters has no name. */
const activationName = (given: unknown): string | undefined => {
  if (typeof given === 'string') return given.split('>').at(-1); // `keras_cv>mish`: a registered function with its package
  return isObject(given) && typeof given.config === 'string' ? given.config : undefined;
};
