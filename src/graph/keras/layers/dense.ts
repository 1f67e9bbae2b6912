/** Dense and BatchNormalization. */
import { applyActivation } from '../activation.ts';
import { invalidLayer, unsupportedLayer } from '../fault.ts';
import { add, type Converter, type Layer, rearrange, requireAxis, requireSoleInput } from '../layer.ts';
import { plainOrder, type Value } from '../value.ts';

/**
 * Dense over the last axis; for an image, each pixel separately. Keras's kernel is [in, out], as Gemm and MatMul
 * expect.
 */
export const dense: Converter = (layer, inputs) => {
  const input = requireSoleInput(layer, inputs);
  const rank = input.shape.length;
  const features = input.shape[rank - 1];
  if (features === undefined) throw unsupportedLayer(layer, 'the size of the last axis of its input is free');
  const value = rearrange(layer, input, plainOrder(rank));
  const units = layer.config.count('units');
  const weight = layer.weights.tensor(layer.graph, { name: 'kernel', shape: [features, units] });
  const bias = layer.config.flag('use_bias', true)
    ? [layer.weights.tensor(layer.graph, { name: 'bias', shape: [units] })]
    : [];
  const name = addProduct(layer, value, { weight, bias });
  const shape = [...value.shape.slice(0, -1), units];
  return applyActivation(layer, { name, shape, order: value.order }, layer.config.raw('activation'));
};

type Weights = { readonly weight: string; readonly bias: readonly string[] };

const addProduct = (layer: Layer, { name, shape }: Value, { weight, bias }: Weights): string => {
  const as = bias.length > 0 ? 'BiasAdd' : 'MatMul';
  if (shape.length === 1) return add(layer, 'Gemm', { inputs: [name, weight, ...bias], as });
  const product = add(layer, 'MatMul', { inputs: [name, weight], as: 'MatMul' });
  return bias.length > 0 ? add(layer, 'Add', { inputs: [product, ...bias], as }) : product;
};

/** Inference: y = (x − mean) · gamma / √(variance + epsilon) + beta, along one axis. arXiv 1502.03167 */
const batchNormalization: Converter = (layer, inputs) => {
  const value = requireSoleInput(layer, inputs);
  const axis = requireAxis(layer, value, normalisedAxis(layer));
  const size = value.shape[axis];
  if (size === undefined) throw unsupportedLayer(layer, 'the size of the axis that it normalises is free');
  const parameters = parametersOf(layer, size);
  const name =
    value.order[0] === axis
      ? add(layer, 'BatchNormalization', {
          inputs: [value.name, ...parameters.map(({ name, values }) => parameter(layer, name, values))],
          as: 'batchnorm/add_1',
          attributes: { epsilon: { float: epsilonOf(layer) } },
        })
      : addScaleAndShift(layer, value, { axis, parameters });
  return { ...value, name, nonNegative: false };
};

/** Keras 2.2 writes a number, later versions a list of one. */
const normalisedAxis = (layer: Layer): number => {
  const axes = layer.config.raw('axis') === undefined ? [-1] : layer.config.integers('axis');
  const [axis] = axes;
  if (axis === undefined || axes.length !== 1) throw invalidLayer(layer, `its axis is [${axes}], not one`);
  return axis;
};

const epsilonOf = ({ config }: Layer): number => config.number('epsilon', 1e-3);

type Parameter = { readonly name: string; readonly values: Float32Array };

const parametersOf = ({ config, weights }: Layer, size: number): Parameter[] => {
  const array = (name: string) => weights.values({ name, shape: [size] });
  const gamma = config.flag('scale', true) ? array('gamma') : new Float32Array(size).fill(1);
  const beta = config.flag('center', true) ? array('beta') : new Float32Array(size);
  return [
    { name: 'gamma', values: gamma },
    { name: 'beta', values: beta },
    { name: 'moving_mean', values: array('moving_mean') },
    { name: 'moving_variance', values: array('moving_variance') },
  ];
};

const parameter = ({ graph, path }: Layer, name: string, values: Float32Array): string =>
  graph.floats(`${path}/${name}`, [values.length], values);

type NormalisationParts = { readonly axis: number; readonly parameters: readonly Parameter[] };

/** For an axis that is not the first, which ONNX's operator does not support. */
const addScaleAndShift = (layer: Layer, value: Value, { axis, parameters }: NormalisationParts): string => {
  const [gamma, beta, mean, variance] = parameters.map(({ values }) => values);
  const epsilon = epsilonOf(layer);
  const factor = gamma!.map((each, i) => each / Math.sqrt(variance![i]! + epsilon));
  const shift = beta!.map((each, i) => each - mean![i]! * factor[i]!);
  const dims = value.order.map((each) => (each === axis ? factor.length : 1));
  const { graph, path } = layer;
  const inputs = [value.name, graph.floats(`${path}/factor`, dims, factor)];
  const scaled = add(layer, 'Mul', { inputs, as: 'batchnorm/mul_1' });
  return add(layer, 'Add', {
    inputs: [scaled, graph.floats(`${path}/shift`, dims, shift)],
    as: 'batchnorm/add_1',
  });
};

/** Converters by class name. */
export const denseLayers: Readonly<Record<string, Converter>> = {
  Dense: dense,
  BatchNormalization: batchNormalization,
  BatchNormalizationV1: batchNormalization,
  SyncBatchNormalization: batchNormalization,
};
