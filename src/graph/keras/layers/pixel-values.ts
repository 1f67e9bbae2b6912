/** Keras's layers that normalise pixel values: Rescaling and Normalization. */
import { invalidLayer, unsupportedLayer } from '../fault.ts';
import { add, type Converter, isKnown, type Layer, requireAxis, requireSoleInput } from '../layer.ts';
import type { Value } from '../value.ts';

/** x · scale + offset; a list has one number per channel. */
const rescaling: Converter = (layer, inputs) => {
  const value = requireSoleInput(layer, inputs);
  const [scale, offset] = [layer.config.numbers('scale', [1]), layer.config.numbers('offset', [0])];
  const channels = layer.config.channelsFirst ? 0 : value.shape.length - 1;
  const constant = (name: string, numbers: readonly number[]) =>
    addConstantAlong(layer, value, { name, values: Float32Array.from(numbers), axes: [channels] });
  const scaled = add(layer, 'Mul', { inputs: [value.name, constant('scale', scale)], as: 'mul' });
  const name = add(layer, 'Add', { inputs: [scaled, constant('offset', offset)], as: 'add' });
  return { ...value, name, nonNegative: false };
};

/** (x − mean) / √variance, or the inverse. Mean and variance are trained weights, or are in the configuration. */
const normalization: Converter = (layer, inputs) => {
  const value = requireSoleInput(layer, inputs);
  const given = layer.config.raw('axis') === undefined ? [-1] : layer.config.integers('axis');
  const axes = given.map((axis) => requireAxis(layer, value, axis)).toSorted((a, b) => a - b);
  const shape = axes.map((axis) => value.shape[axis]);
  if (!isKnown(shape)) throw unsupportedLayer(layer, 'the size of an axis that it normalises is free');
  const statistic = (name: string) =>
    layer.config.raw(name) === undefined
      ? layer.weights.values({ name, shape })
      : Float32Array.from(layer.config.numbers(name, []));
  const deviation = statistic('variance').map((each) => Math.max(Math.sqrt(each), leastDeviation));
  const inverts = layer.config.flag('invert', false);
  const mean = addConstantAlong(layer, value, { name: 'mean', values: statistic('mean'), axes });
  const spread = addConstantAlong(layer, value, { name: 'deviation', values: deviation, axes });
  const [first, last] = inverts
    ? ([
        ['Mul', spread, 'mul'],
        ['Add', mean, 'add'],
      ] as const)
    : ([
        ['Sub', mean, 'sub'],
        ['Div', spread, 'truediv'],
      ] as const);
  const half = add(layer, first[0], { inputs: [value.name, first[1]], as: first[2] });
  const name = add(layer, last[0], { inputs: [half, last[1]], as: last[2] });
  return { ...value, name, nonNegative: false };
};

/** `keras.backend.epsilon()` */
const leastDeviation = 1e-7;

type Along = { readonly name: string; readonly values: Float32Array; readonly axes: readonly number[] };

/** A constant that varies only along the given axes of Keras's shape; a single number is a scalar. */
const addConstantAlong = (layer: Layer, value: Value, { name, values, axes }: Along): string => {
  const { graph, path } = layer;
  if (values.length === 1) return graph.floats(`${path}/${name}`, [], values);
  const dims = value.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
  const wanted = dims.reduce<number>((product, size) => product * (size ?? 1), 1);
  if (!isKnown(dims) || wanted !== values.length)
    throw invalidLayer(layer, `its ${name} has ${values.length} numbers; its input has ${wanted}`);
  return graph.floats(
    `${path}/${name}`,
    value.order.map((axis) => dims[axis]!),
    transposeValues(values, dims, value.order),
  );
};

/** Transposes values: from row-major order of `shape` to that of the shape with reordered axes. */
const transposeValues = (
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array => {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = order.map((axis) => shape[axis]!);
  return values.map((_, to) => {
    let rest = to;
    let from = 0;
    for (let place = order.length - 1; place >= 0; place--) {
      from += (rest % sizes[place]!) * strides[order[place]!]!;
      rest = Math.floor(rest / sizes[place]!);
    }
    return values[from]!;
  });
};

/** Converters by class name. */
export const valueLayers: Readonly<Record<string, Converter>> = {
  Rescaling: rescaling,
  Normalization: normalization,
};
