/** Pooling over windows and over whole images. */
import {
  add,
  type Converter,
  type Image,
  type Layer,
  makeImageValue,
  padWithZeros,
  requireImageInput,
} from '../layer.ts';
import { moveWindow, type Padding, type Window } from '../window.ts';

type Kind = 'MaxPool' | 'AveragePool';

const pooling =
  (opType: Kind, as: string): Converter =>
  (layer, inputs) => {
    const { image, window } = withMargins(layer, requireImageInput(layer, inputs), opType);
    const { attributes, size } = moveWindow(layer, image, window);
    // TLT pads with zeros that count in the mean; the padding of TensorFlow's `same` does not count.
    const counts = opType === 'AveragePool' && typeof window.padding === 'object';
    const name = add(layer, opType, {
      inputs: [image.value.name],
      as,
      attributes: { ...attributes, ...(counts ? { count_include_pad: { int: 1 } } : {}) },
    });
    return { ...makeImageValue(name, { ...image, size }), nonNegative: image.value.nonNegative ?? false };
  };

const windowOf = ({ config, dialect }: Layer): Window => {
  const kernel = config.pair('pool_size', 2);
  const padding = config.word('padding', ['valid', 'same'], 'valid');
  const alike: Padding = { alike: [(kernel[0] - 1) >> 1, (kernel[1] - 1) >> 1] };
  const strides = config.raw('strides') === undefined ? kernel : config.pair('strides');
  return {
    kernel,
    strides,
    dilations: [1, 1],
    padding: padding === 'same' && dialect === 'tlt' ? alike : padding,
  };
};

type PaddedImage = { readonly image: Image; readonly window: Window };

/**
 * TLT pads with zeros for a maximum too, where ONNX ignores the padding. Results are equal unless values can be
 * negative.
 */
const withMargins = (layer: Layer, image: Image, opType: Kind): PaddedImage => {
  const window = windowOf(layer);
  const margins = typeof window.padding === 'object' ? window.padding.alike : undefined;
  if (opType !== 'MaxPool' || !margins || image.value.nonNegative || `${margins}` === '0,0')
    return { image, window };
  const [high, wide] = margins;
  return {
    image: padWithZeros(layer, image, [
      [high, high],
      [wide, wide],
    ]),
    window: { ...window, padding: 'valid' },
  };
};

/** A maximum or mean over the whole image. The axes are removed unless `keepdims` is true. */
const global =
  (opType: string, as: string): Converter =>
  (layer, inputs) => {
    const image = requireImageInput(layer, inputs);
    const { channels, value } = image;
    const keeps = layer.config.flag('keepdims', false);
    const name = add(layer, opType, { inputs: [value.name], as: keeps ? as : opType });
    const nonNegative = value.nonNegative ?? false;
    if (keeps) return { ...makeImageValue(name, { ...image, size: [1, 1] }), nonNegative };
    return {
      name: add(layer, 'Flatten', { inputs: [name], as }),
      shape: [channels],
      order: [0],
      nonNegative,
    };
  };

/** Converters by class name. */
export const poolingLayers: Readonly<Record<string, Converter>> = {
  MaxPooling2D: pooling('MaxPool', 'MaxPool'),
  MaxPool2D: pooling('MaxPool', 'MaxPool'),
  AveragePooling2D: pooling('AveragePool', 'AvgPool'),
  AvgPool2D: pooling('AveragePool', 'AvgPool'),
  GlobalAveragePooling2D: global('GlobalAveragePool', 'Mean'),
  GlobalMaxPooling2D: global('GlobalMaxPool', 'Max'),
};
