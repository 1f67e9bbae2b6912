/**
 * QuantizeLinear and DequantizeLinear: level = clamp(round(x / scale) + zero point), x = (level − zero point) × scale.
 * https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html
 */

import { elementType, elementTypeName } from '../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { intOf } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloat16s, tensorFromFloats } from '../../formats/onnx/tensor.ts';
import { UserError } from '../../ground/base/errors.ts';

/** Parameters of a QuantizeLinear or DequantizeLinear node. */
export type Quantiser = {
  /** One value, or one per channel; undefined if the graph computes it. */
  readonly scale: Float32Array | undefined;
  /** Empty if absent, which means zero; undefined if the graph computes it. */
  readonly zeroPoint: Float32Array | undefined;
  /** Name of the integer type, for example int8. */
  readonly type: string;
};

type Constants = ReadonlyMap<string, TensorProto>;

/** Whether both quantisers are known and equal. */
export const sameQuantiser = (one: Quantiser, other: Quantiser): boolean =>
  sameNumbers(one.scale, other.scale) && sameNumbers(one.zeroPoint, other.zeroPoint, 0);

/** An empty list stands for `absent` in every place. */
const sameNumbers = (
  one: Float32Array | undefined,
  other: Float32Array | undefined,
  absent?: number,
): boolean => {
  if (!one || !other) return false;
  const count = Math.max(one.length, other.length);
  const at = (values: Float32Array, i: number) => (values.length === 0 ? absent : values[i]);
  return Array.from({ length: count }).every((_, i) => at(one, i) === at(other, i));
};

/** Whether the node is a QuantizeLinear. */
export const isQuantize = ({ opType }: NodeProto): boolean => opType === 'QuantizeLinear';
/** Whether the node is a DequantizeLinear. */
export const isDequantize = ({ opType }: NodeProto): boolean => opType === 'DequantizeLinear';

/**
 * Reads a node's parameters. The integer type is that of the zero point; without one it is `output_dtype`, or uint8.
 */
export const quantiserOf = (node: NodeProto, constants: Constants): Quantiser => {
  const scale = constants.get(node.input[1] ?? '');
  const zeroName = node.input[2] ?? '';
  const zero = constants.get(zeroName);
  const absent = zeroName === '' ? new Float32Array() : undefined;
  const type = zero?.dataType ?? (intOf(node, 'output_dtype', 0) || elementType.uint8);
  return {
    scale: scale && floatsOf(scale),
    zeroPoint: zero ? floatsOf(zero) : absent,
    type: elementTypeName(type),
  };
};

/**
 * Dequantises a constant weight; the result has the name of the node's output.
 * @throws UserError ModelUnsupported for block-wise or computed scales
 */
export const dequantiseWeight = (
  node: NodeProto,
  integers: TensorProto,
  constants: Constants,
): TensorProto => {
  const { scale, zeroPoint } = quantiserOf(node, constants);
  const scaleTensor = constants.get(node.input[1] ?? '');
  if (!scale || !zeroPoint || !scaleTensor || intOf(node, 'block_size', 0) !== 0)
    throw new UserError(
      'ModelUnsupported',
      `Taking the scales of training out of the graph: the weight ${integers.name} has scales in blocks, or scales that the graph computes. Export the model with one scale for each weight or channel.`,
    );
  const dims = integers.dims.map(Number);
  const channelOf = channelIndex(dims, { axis: intOf(node, 'axis', 1), scales: scale.length });
  const values = floatsOf(integers).map((level, i) => {
    const channel = channelOf(i);
    return (level - (zeroPoint[zeroPoint.length === 1 ? 0 : channel] ?? 0)) * scale[channel]!;
  });
  const make = scaleTensor.dataType === elementType.float16 ? tensorFromFloat16s : tensorFromFloats;
  return make(node.output[0]!, dims, values);
};

/** Returns a function from element index to channel; a negative axis counts from the end. */
export const channelIndex = (
  dims: readonly number[],
  { axis, scales }: { readonly axis: number; readonly scales: number },
): ((i: number) => number) => {
  if (scales === 1) return () => 0;
  const inner = dims.slice(axis < 0 ? axis + dims.length + 1 : axis + 1).reduce((a, b) => a * b, 1);
  return (i) => Math.floor(i / inner) % scales;
};
