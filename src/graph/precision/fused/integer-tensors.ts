/** Integer tensors and their scales for ONNX Runtime. Integers are counted from 0 to 255; int8 stores them less 128. */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { makeNode } from '../../../formats/onnx/node.ts';
import {
  floatsOf,
  tensorFromBytes,
  tensorFromFloats,
  tensorFromInt32s,
} from '../../../formats/onnx/tensor.ts';
import { quantiseByChannel, runOf } from '../qdq-weights.ts';

/** How integers are stored. */
export type IntegerType = 'uint8' | 'int8';

/** The integer of zero for symmetric values. */
export const middle = 128;

/** Stores integers from 0 to 255. */
export const makeIntegers = (
  name: string,
  dims: readonly number[],
  { type, values }: { readonly type: IntegerType; readonly values: Uint8Array },
): TensorProto =>
  tensorFromBytes(name, dims, {
    dataType: elementType[type],
    bytes: type === 'uint8' ? values : addMiddle(values),
  });

/** Plus or less 128, which is the other highest bit of a byte. Not `map`, which calls a function for each. */
const addMiddle = (bytes: Uint8Array): Uint8Array => {
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i]! ^ middle;
  return result;
};

/** A DequantizeLinear node and its constants. */
export type Dequantised = { readonly node: NodeProto; readonly tensors: readonly TensorProto[] };

/** The axis of the output channels, and the scale of each of them. */
export type Channels = { readonly axis: number; readonly scales: Float32Array };

/** A quantised weight as it is stored, in its layout: levels from −127 to 127, or from 1 to 255. */
export type StoredWeight = Channels & { readonly type: IntegerType; readonly bytes: Uint8Array };

/** Quantises a weight. */
export const quantiseChannels = (
  weight: TensorProto,
  { axis, scales }: Channels,
  type: IntegerType,
): StoredWeight => {
  const levels = quantiseByChannel(floatsOf(weight), scales, runOf(weight.dims.map(Number), axis));
  const bytes = new Uint8Array(levels.buffer);
  return { axis, scales, type, bytes: type === 'int8' ? bytes : addMiddle(bytes) };
};

/** A quantised weight, and one scale for each of its output channels. */
export const dequantiseWeight = (
  name: string,
  dims: readonly number[],
  { axis, scales, type, bytes }: StoredWeight,
): Dequantised => {
  const zeros = new Uint8Array(scales.length).fill(middle);
  return dequantise(name, { axis, scales }, [
    tensorFromBytes(`${name}/integers`, dims, { dataType: elementType[type], bytes }),
    makeIntegers(`${name}/zero`, [scales.length], { type, values: zeros }),
  ]);
};

/** An int32 bias, added to sums of products with these scales. */
export const dequantiseBias = (name: string, bias: Float32Array, scales: Float32Array): Dequantised => {
  const integers = Int32Array.from(bias, (value, channel) => Math.round(value / scales[channel]!));
  return dequantise(name, { axis: 0, scales }, [
    tensorFromInt32s(`${name}/integers`, [bias.length], integers),
    tensorFromInt32s(`${name}/zero`, [bias.length], new Int32Array(bias.length)),
  ]);
};

const dequantise = (
  name: string,
  { axis, scales }: Channels,
  [integers, zeros]: readonly [TensorProto, TensorProto],
): Dequantised => {
  const scale = tensorFromFloats(`${name}/scale`, [scales.length], scales);
  const tensors = [integers, scale, zeros];
  return { node: dequantiseAlong(name, axis, tensors), tensors };
};

/** The node that makes `name` from integers, scales and zero points. */
export const dequantiseAlong = (name: string, axis: number, tensors: readonly TensorProto[]): NodeProto =>
  makeNode('DequantizeLinear', {
    name: `${name}/DQ`,
    inputs: tensors.map((tensor) => tensor.name),
    outputs: [name],
    attributes: { axis: { int: axis } },
  });
