/**
 * Determines layout, element type and size of a graph's image input; flags and spec fill in what the graph leaves open.
 */

import { elementType, elementTypeName } from '../../formats/onnx/element-type.ts';
import type { ValueInfoProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { elementTypeOf, shapeOf } from '../../formats/onnx/graph.ts';
import { requireWithin } from '../../ground/base/limits.ts';
import { field } from '../../ground/contract/fields.ts';
import type { InputDims } from '../../ground/contract/model-settings.ts';
import { shapeText, unsupportedModel } from './ports.ts';

/** The image input of a model, in pixels. */
export type ModelInput = {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** Fixed batch size; undefined if free. */
  readonly fixedBatch: number | undefined;
  /** Layout in the file; the exported graph takes float32 N,C,H,W. */
  readonly layout: 'NCHW' | 'NHWC';
  readonly elementType: PixelType;
};

/** Element types that image inputs may have. */
export type PixelType = 'float32' | 'float16' | 'uint8';
const pixelTypes: readonly string[] = ['float32', 'float16', 'uint8'] satisfies PixelType[];

/** Sources of the input size besides the graph. */
export type SizeRequest = {
  /** For messages. */
  readonly path: string;
  /** `--input_dims`. */
  readonly dims?: InputDims | undefined;
  /** Size of the spec, for what the graph and the user leave open. */
  readonly sides?: { readonly height: number; readonly width: number } | undefined;
};

/** @throws UserError ModelUnsupported naming what was found and what is required */
export const resolveModelInput = (input: ValueInfoProto, request: SizeRequest): ModelInput => {
  const { path, dims, sides } = request;
  const shape = shapeOf(input);
  if (shape?.length !== 4) throw unfitInput(input, path, 'and must have [N, 3 or 1, height, width]');
  const [batch, ...image] = shape.map((size) => (typeof size === 'number' && size > 0 ? size : undefined));
  const layout = isChannels(image[0]) || !isChannels(image[2]) ? 'NCHW' : 'NHWC';
  const found = layout === 'NCHW' ? image : [image[2], image[0], image[1]];
  const given = dims ? [dims.channels, dims.height, dims.width] : [undefined, sides?.height, sides?.width];
  if (dims && found.some((size, axis) => size !== undefined && size !== given[axis]))
    throw unfitInput(input, path, `which ${field('inputDims')} ${given} contradicts. Omit it`);
  const [channels, height, width] = found.map((size, axis) => size ?? given[axis]);
  if (!channels || !height || !width)
    throw unfitInput(
      input,
      path,
      `so its size is free. Set it with ${field('inputDims')}, for example 3,224,224 (C,H,W)`,
    );
  if (!isChannels(channels)) throw unfitInput(input, path, 'and images have 1 or 3 channels');
  requireBounded(path, { batch: batch ?? 1, channels, height, width });
  return { channels, height, width, fixedBatch: batch, layout, elementType: typeOf(input, path) };
};

const isChannels = (size: number | undefined): size is 1 | 3 => size === 1 || size === 3;

const typeOf = (input: ValueInfoProto, path: string): PixelType => {
  const type = elementTypeName(elementTypeOf(input) ?? elementType.float32);
  if (pixelTypes.includes(type)) return type as PixelType;
  throw unsupportedModel(
    path,
    `its input ${input.name} holds ${type}, and images are float32, float16 or uint8. Insert a Cast from float32 before the network`,
  );
};

const unfitInput = (input: ValueInfoProto, path: string, why: string) =>
  unsupportedModel(path, `its input ${input.name} has the shape ${shapeText(input)}, ${why}`);

type Shape = Readonly<Record<'batch' | 'channels' | 'height' | 'width', number>>;

const requireBounded = (path: string, { batch, channels, height, width }: Shape): void => {
  const found = `Opening ${path}: its input has`;
  const reason = 'ModelUnsupported';
  requireWithin('imagePixels', { claimed: height * width, reason, found });
  requireWithin('inputBytes', { claimed: batch * channels * height * width * floatBytes, reason, found });
};

const floatBytes = 4;
