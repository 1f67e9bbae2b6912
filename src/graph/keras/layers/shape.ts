/** Layers that move, crop, repeat and reshape values without arithmetic. */
import { invalidLayer, unsupportedLayer } from '../fault.ts';
import {
  add,
  type Converter,
  type Layer,
  makeImageValue,
  padWithZeros,
  rearrange,
  requireElements,
  requireImageInput,
  requireSoleInput,
  reshape,
} from '../layer.ts';
import { elementsOf, plainOrder, type Size } from '../value.ts';

const zeroPadding: Converter = (layer, inputs) =>
  padWithZeros(layer, requireImageInput(layer, inputs), layer.config.margins('padding')).value;

const cropping: Converter = (layer, inputs) => {
  const image = requireImageInput(layer, inputs);
  const margins = layer.config.margins('cropping');
  const size = image.size.map((each, axis) => {
    if (each === undefined) throw unsupportedLayer(layer, 'the size of its image is free');
    const left = each - margins[axis]![0] - margins[axis]![1];
    if (left < 1) throw invalidLayer(layer, `it crops an image of ${each} pixels completely`);
    return left;
  }) as [number, number];
  const { graph, scope } = layer;
  const starts = margins.map(([before]) => before);
  const inputsOfSlice = [
    image.value.name,
    graph.integers(`${scope}/begin`, starts),
    graph.integers(
      `${scope}/end`,
      starts.map((start, axis) => start + size[axis]!),
    ),
    graph.integers(`${scope}/axes`, [2, 3]),
  ];
  const name = add(layer, 'Slice', { inputs: inputsOfSlice, as: 'strided_slice' });
  return { ...makeImageValue(name, { ...image, size }), nonNegative: image.value.nonNegative ?? false };
};

const upSampling: Converter = (layer, inputs) => {
  const image = requireImageInput(layer, inputs);
  const [high, wide] = layer.config.pair('size', 2);
  const isNearest = layer.config.word('interpolation', ['nearest', 'bilinear'], 'nearest') === 'nearest';
  const scales = layer.graph.floats(`${layer.scope}/scales`, [4], Float32Array.of(1, 1, high, wide));
  const name = add(layer, 'Resize', {
    inputs: [image.value.name, '', scales],
    as: isNearest ? 'ResizeNearestNeighbor' : 'ResizeBilinear',
    attributes: isNearest
      ? { mode: { string: 'nearest' }, nearest_mode: { string: 'floor' }, ...coordinates('asymmetric') }
      : { mode: { string: 'linear' }, ...coordinates(centresOf(layer)) },
  });
  const size = [times(image.size[0], high), times(image.size[1], wide)] as const;
  return { ...makeImageValue(name, { ...image, size }), nonNegative: image.value.nonNegative ?? false };
};

const times = (size: Size, factor: number): Size => (size === undefined ? undefined : size * factor);

const coordinates = (mode: string) => ({ coordinate_transformation_mode: { string: mode } });

/** Keras on TensorFlow 1 measures from pixel corners, tf.keras 2 and Keras 3 from pixel centres. */
const centresOf = ({ version }: Layer): string =>
  version.major === 2 && version.minor < 4 && !version.isTf ? 'asymmetric' : 'half_pixel';

/** Keras flattens channels_first images as channels_last; TLT's Keras keeps the order of axes. */
const flatten: Converter = (layer, inputs) => {
  const input = requireSoleInput(layer, inputs);
  const rank = input.shape.length;
  const elements = requireElements(layer, input.shape);
  const transposes = layer.config.channelsFirst && layer.dialect === 'keras' && rank > 1;
  const order = plainOrder(rank);
  const value = rearrange(layer, input, transposes ? [...order.slice(1), 0] : order);
  const as = layer.isWrapped ? 'Reshape_1' : 'Reshape';
  const name = rank === 1 ? value.name : add(layer, 'Flatten', { inputs: [value.name], as });
  return { name, shape: [elements], order: [0], nonNegative: input.nonNegative ?? false };
};

const reshapeLayer: Converter = (layer, inputs) => {
  const input = requireSoleInput(layer, inputs);
  const value = rearrange(layer, input, plainOrder(input.shape.length));
  const shape = targetOf(layer, requireElements(layer, input.shape));
  const name = reshape(layer, value.name, shape);
  const item = layer.graph.itemOf(value.name);
  if (item) layer.graph.noteItem(name, item);
  return { name, shape, order: plainOrder(shape.length), nonNegative: input.nonNegative ?? false };
};

/** The target shape with its -1 resolved. */
const targetOf = (layer: Layer, elements: number): number[] => {
  const target = layer.config.integers('target_shape');
  const known = elementsOf(target.filter((size) => size !== -1)) ?? 0;
  const shape = target.map((size) => (size === -1 ? elements / known : size));
  if (shape.some((size) => !Number.isInteger(size) || size < 1) || elementsOf(shape) !== elements)
    throw invalidLayer(
      layer,
      `its target_shape is (${target.join(', ')}); its input has ${elements} elements`,
    );
  return shape;
};

/** Only Keras's order of axes changes; the ONNX tensor is unchanged. */
const permute: Converter = (layer, inputs) => {
  const value = requireSoleInput(layer, inputs);
  const axes = layer.config.integers('dims').map((axis) => axis - 1);
  if (`${axes.toSorted((a, b) => a - b)}` !== `${plainOrder(value.shape.length)}`)
    throw invalidLayer(
      layer,
      `its dims are not a permutation of the ${value.shape.length} axes of its input`,
    );
  return {
    ...value,
    shape: axes.map((axis) => value.shape[axis]),
    order: value.order.map((axis) => axes.indexOf(axis)),
  };
};

/** Layers that have an effect only in training. */
const passThrough: Converter = (layer, inputs) => requireSoleInput(layer, inputs);

/** Converters by class name. */
export const shapeLayers: Readonly<Record<string, Converter>> = {
  ZeroPadding2D: zeroPadding,
  Cropping2D: cropping,
  UpSampling2D: upSampling,
  Flatten: flatten,
  Reshape: reshapeLayer,
  Permute: permute,
  Dropout: passThrough,
  SpatialDropout2D: passThrough,
  AlphaDropout: passThrough,
  GaussianDropout: passThrough,
  GaussianNoise: passThrough,
  ActivityRegularization: passThrough,
};
