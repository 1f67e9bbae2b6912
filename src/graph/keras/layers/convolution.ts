/** Convolutions. Keras's kernels are [height, width, in, out]; ONNX's [out, in, height, width]. */
import { applyActivation } from '../activation.ts';
import type { Pair } from '../config.ts';
import { invalidLayer } from '../fault.ts';
import { add, type Converter, type Image, type Layer, makeImageValue, requireImageInput } from '../layer.ts';
import { moveTransposed, moveWindow, type Padding, type Window } from '../window.ts';

const paddings = ['valid', 'same'] as const;

const windowOf = ({ config }: Layer, padding: Padding): Window => ({
  kernel: config.pair('kernel_size'),
  strides: config.pair('strides', 1),
  dilations: config.pair('dilation_rate', 1),
  padding,
});

/** TLT's Keras pads a plain convolution by half of its reach, on both sides. */
const plainPadding = ({ config, dialect }: Layer): Padding => {
  const padding = config.word('padding', paddings, 'valid');
  if (padding === 'valid' || dialect === 'keras') return padding;
  const [kernel, dilations] = [config.pair('kernel_size'), config.pair('dilation_rate', 1)];
  const half = (axis: 0 | 1) => ((kernel[axis] - 1) * dilations[axis] + 1) >> 1;
  return { alike: [half(0), half(1)] };
};

type Kernel = { readonly weight: string; readonly channels: number; readonly groups: number };

/** Adds the Conv node with its bias, and the configured activation. */
const addConvolution = (layer: Layer, image: Image, { kernel, window, as }: ConvolutionParts) => {
  const { attributes, size } = moveWindow(layer, image, window);
  const name = add(layer, 'Conv', {
    inputs: [image.value.name, kernel.weight, ...biasOf(layer, kernel.channels)],
    as: usesBias(layer) ? 'BiasAdd' : as,
    attributes: { ...attributes, dilations: { ints: window.dilations }, group: { int: kernel.groups } },
  });
  const value = makeImageValue(name, { ...image, channels: kernel.channels, size });
  return applyActivation(layer, value, layer.config.raw('activation'));
};

type ConvolutionParts = { readonly kernel: Kernel; readonly window: Window; readonly as: string };

const usesBias = ({ config }: Layer): boolean => config.flag('use_bias', true);

const biasOf = (layer: Layer, channels: number): readonly string[] =>
  usesBias(layer) ? [layer.weights.tensor(layer.graph, { name: 'bias', shape: [channels] })] : [];

/** Conv2D, also grouped. */
export const conv2d: Converter = (layer, inputs) => {
  const image = requireImageInput(layer, inputs);
  const { config } = layer;
  const [channels, groups] = [config.count('filters'), config.count('groups', 1)];
  if (image.channels % groups !== 0)
    throw invalidLayer(layer, `its ${groups} groups do not divide ${image.channels} channels`);
  const window = windowOf(layer, plainPadding(layer));
  const weight = layer.weights.tensor(layer.graph, {
    name: 'kernel',
    shape: [...window.kernel, image.channels / groups, channels],
    order: [3, 2, 0, 1],
  });
  return addConvolution(layer, image, { kernel: { weight, channels, groups }, window, as: 'convolution' });
};

/** The kernel of a depthwise convolution: [height, width, in, multiplier] -> [in·multiplier, 1, height, width]. */
const depthwiseKernel = (layer: Layer, image: Image, name: string): Kernel => {
  const kernel = layer.config.pair('kernel_size');
  const multiplier = layer.config.count('depth_multiplier', 1);
  const channels = image.channels * multiplier;
  const weight = layer.weights.tensor(layer.graph, {
    name,
    shape: [...kernel, image.channels, multiplier],
    order: [2, 3, 0, 1],
    dims: [channels, 1, ...kernel],
  });
  return { weight, channels, groups: image.channels };
};

/** Keras 3 calls the array `kernel`, Keras 2 `depthwise_kernel`. TLT pads it like TensorFlow. */
export const depthwiseConv2d: Converter = (layer, inputs) => {
  const image = requireImageInput(layer, inputs);
  const name = layer.weights.has('depthwise_kernel') ? 'depthwise_kernel' : 'kernel';
  const kernel = depthwiseKernel(layer, image, name);
  const window = windowOf(layer, layer.config.word('padding', paddings, 'valid'));
  return addConvolution(layer, image, { kernel, window, as: 'depthwise' });
};

/** A depthwise convolution without bias, then a 1 × 1 convolution. */
const separableConv2d: Converter = (layer, inputs) => {
  const image = requireImageInput(layer, inputs);
  const depthwise = depthwiseKernel(layer, image, 'depthwise_kernel');
  const window = windowOf(layer, layer.config.word('padding', paddings, 'valid'));
  const { attributes, size } = moveWindow(layer, image, window);
  const name = add(layer, 'Conv', {
    inputs: [image.value.name, depthwise.weight],
    as: 'separable_conv2d/depthwise',
    attributes: { ...attributes, dilations: { ints: window.dilations }, group: { int: depthwise.groups } },
  });
  const middle = makeImageValue(name, { ...image, channels: depthwise.channels, size });
  const channels = layer.config.count('filters');
  const weight = layer.weights.tensor(layer.graph, {
    name: 'pointwise_kernel',
    shape: [1, 1, depthwise.channels, channels],
    order: [3, 2, 0, 1],
  });
  const one: Pair = [1, 1];
  return addConvolution(
    layer,
    { ...image, value: middle, channels: depthwise.channels, size },
    {
      kernel: { weight, channels, groups: 1 },
      window: { kernel: one, strides: one, dilations: one, padding: 'valid' },
      as: 'separable_conv2d',
    },
  );
};

/** Keras's kernel is [height, width, out, in]. */
export const conv2dTranspose: Converter = (layer, inputs) => {
  const image = requireImageInput(layer, inputs);
  const { config } = layer;
  const channels = config.count('filters');
  const window = windowOf(layer, 'valid');
  const weight = layer.weights.tensor(layer.graph, {
    name: 'kernel',
    shape: [...window.kernel, channels, image.channels],
    order: [3, 2, 0, 1],
  });
  const { attributes, size } = moveTransposed(layer, image, {
    window,
    padding: config.word('padding', paddings, 'valid'),
    outputPadding: config.raw('output_padding') === undefined ? undefined : outputPadding(layer),
  });
  const name = add(layer, 'ConvTranspose', {
    inputs: [image.value.name, weight, ...biasOf(layer, channels)],
    as: usesBias(layer) ? 'BiasAdd' : 'conv2d_transpose',
    attributes,
  });
  return applyActivation(layer, makeImageValue(name, { ...image, channels, size }), config.raw('activation'));
};

const outputPadding = (layer: Layer): Pair => {
  const [height, width = height] = layer.config.integers('output_padding');
  if (height === undefined || width === undefined || height < 0 || width < 0 || height > 64 || width > 64)
    throw invalidLayer(layer, `its output_padding is [${height}, ${width}]`);
  return [height, width];
};

/** Converters by class name. */
export const convolutionLayers: Readonly<Record<string, Converter>> = {
  Conv2D: conv2d,
  Convolution2D: conv2d,
  DepthwiseConv2D: depthwiseConv2d,
  SeparableConv2D: separableConv2d,
  Conv2DTranspose: conv2dTranspose,
};
