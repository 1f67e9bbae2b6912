/**
 * Sliding windows over images: strides, dilations and padding as ONNX attributes, and the size of the output. `same` is
 * TensorFlow's: an odd pixel of padding is at the end. `alike` is TLT's `same`: equal padding on both sides. For an
 * image of free size the padding depends on the image at run time.
 */
import type { AttributeValue } from '../../formats/onnx/node.ts';
import type { Pair } from './config.ts';
import { invalidLayer, type LayerLabel, unsupportedLayer } from './fault.ts';
import type { Image } from './layer.ts';
import type { Size } from './value.ts';

/** Padding of a window; `alike` has the same number of pixels on both sides. */
export type Padding = 'valid' | 'same' | { readonly alike: Pair };

/** Window of a convolution or pool, in pixels. */
export type Window = {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: Padding;
};

/** ONNX attributes of the window, and the size of the output. */
export type WindowResult = {
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly size: readonly [height: Size, width: Size];
};

/**
 * Attributes and output size of a convolution or pool. @throws UserError ModelInvalid if the image is smaller than the
 * window
 */
export const moveWindow = (
  layer: LayerLabel,
  { size }: Pick<Image, 'size'>,
  window: Window,
): WindowResult => {
  const axes = ([0, 1] as const).map((axis) => moveAlong(layer, size[axis], { ...window, axis }));
  const [high, wide] = axes as [Along, Along];
  const free = axes.some(({ margins }) => margins === undefined);
  const margins = free
    ? { auto_pad: { string: 'SAME_UPPER' } }
    : { pads: { ints: [high.margins![0], wide.margins![0], high.margins![1], wide.margins![1]] } };
  return {
    attributes: { kernel_shape: { ints: window.kernel }, strides: { ints: window.strides }, ...margins },
    size: [high.out, wide.out],
  };
};

type Along = { readonly margins: readonly [before: number, after: number] | undefined; readonly out: Size };

const moveAlong = (
  layer: LayerLabel,
  size: Size,
  { kernel, strides, dilations, padding, axis }: Window & { readonly axis: 0 | 1 },
): Along => {
  const [reach, stride] = [(kernel[axis] - 1) * dilations[axis] + 1, strides[axis]];
  if (padding === 'same') return padSame(size, { reach, stride });
  const margin = padding === 'valid' ? 0 : padding.alike[axis];
  const out = size === undefined ? undefined : Math.floor((size + 2 * margin - reach) / stride) + 1;
  if (out !== undefined && out < 1)
    throw invalidLayer(layer, `its window spans ${reach} pixels of an image with ${size}`);
  return { margins: [margin, margin], out };
};

const padSame = (
  size: Size,
  { reach, stride }: { readonly reach: number; readonly stride: number },
): Along => {
  if (size === undefined) {
    const before = (reach - 1) >> 1;
    return { margins: stride === 1 ? [before, reach - 1 - before] : undefined, out: undefined };
  }
  const out = Math.ceil(size / stride);
  const total = Math.max(0, (out - 1) * stride + reach - size);
  return { margins: [total >> 1, total - (total >> 1)], out };
};

/** Window and padding of a transposed convolution. */
export type TransposedRequest = {
  readonly window: Omit<Window, 'padding'>;
  readonly padding: 'valid' | 'same';
  /** Pixels added at the end; undefined if Keras derives them. */
  readonly outputPadding: Pair | undefined;
};

/**
 * Attributes and output size of a transposed convolution: padding crops the output, `output_padding` extends its end.
 * @throws UserError ModelInvalid, ModelUnsupported
 */
export const moveTransposed = (
  layer: LayerLabel,
  { size }: Pick<Image, 'size'>,
  request: TransposedRequest,
): WindowResult => {
  const { kernel, strides, dilations } = request.window;
  const axes = ([0, 1] as const).map((axis) => {
    const [reach, stride, inward] = [(kernel[axis] - 1) * dilations[axis] + 1, strides[axis], size[axis]];
    if (inward === undefined) throw unsupportedLayer(layer, 'the size of its image is free');
    const whole = (inward - 1) * stride + reach;
    const out = sizeOut({ inward, stride, reach, whole }, request, axis);
    if (out < 1) throw invalidLayer(layer, 'its output would be empty');
    const cut = Math.max(0, whole - out);
    return { out, cut: [cut >> 1, cut - (cut >> 1)] as const, added: Math.max(0, out - whole) };
  });
  const [high, wide] = axes as [(typeof axes)[0], (typeof axes)[0]];
  return {
    attributes: {
      kernel_shape: { ints: kernel },
      strides: { ints: strides },
      dilations: { ints: dilations },
      pads: { ints: [high.cut[0], wide.cut[0], high.cut[1], wide.cut[1]] },
      output_padding: { ints: [high.added, wide.added] },
    },
    size: [high.out, wide.out],
  };
};

type Inward = {
  readonly inward: number;
  readonly stride: number;
  readonly reach: number;
  readonly whole: number;
};

/** keras/utils/conv_utils.py: deconv_output_length */
const sizeOut = (
  { inward, stride, reach, whole }: Inward,
  request: TransposedRequest,
  axis: 0 | 1,
): number => {
  if (request.outputPadding !== undefined)
    return whole - (request.padding === 'same' ? 2 * (reach >> 1) : 0) + request.outputPadding[axis];
  return inward * stride + (request.padding === 'same' ? 0 : Math.max(0, reach - stride));
};
