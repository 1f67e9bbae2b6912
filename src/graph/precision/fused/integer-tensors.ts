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
import { minScale } from '../../../formats/scales/calibration-cache.ts';
import { int8Levels } from '../../../formats/scales/int8-levels.ts';
import { channelIndex } from '../qdq-weights.ts';

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
    bytes:
      type === 'uint8' ? values : new Uint8Array(Int8Array.from(values, (value) => value - middle).buffer),
  });

/** A DequantizeLinear node and its constants. */
export type Dequantised = { readonly node: NodeProto; readonly tensors: readonly TensorProto[] };

type Channels = { readonly axis: number; readonly scales: Float32Array };

/** Integers of a weight, and one scale for each of its output channels. */
export const dequantiseWeight = (
  name: string,
  weight: TensorProto,
  { axis, scales, type }: Channels & { readonly type: IntegerType },
): Dequantised => {
  const dims = weight.dims.map(Number);
  const channelOf = channelIndex(dims, axis);
  const integers = Uint8Array.from(floatsOf(weight), (value, i) => {
    const level = Math.round(value / scales[channelOf(i)]!);
    return middle + Math.max(-int8Levels, Math.min(int8Levels, level));
  });
  const zeros = new Uint8Array(scales.length).fill(middle);
  return dequantise(name, { axis, scales }, [
    makeIntegers(`${name}/integers`, dims, { type, values: integers }),
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
  const inputs = [integers.name, scale.name, zeros.name];
  const node = makeNode('DequantizeLinear', {
    name: `${name}/DQ`,
    inputs,
    outputs: [name],
    attributes: { axis: { int: axis } },
  });
  return { node, tensors: [integers, scale, zeros] };
};

/** Largest int32 that a bias may have, so that sums with it do not overflow. */
const mostBias = 2 ** 30;

/** One scale per output channel: the largest weight has 127 steps, and the bias fits into an int32. */
export const scaleChannels = (
  weight: TensorProto,
  axis: number,
  { bias, dataScale }: { readonly bias: Float32Array | undefined; readonly dataScale: number },
): Float32Array => {
  const dims = weight.dims.map(Number);
  const channelOf = channelIndex(dims, axis);
  const scales = new Float32Array(dims[axis]!).fill(minScale);
  for (const [i, value] of floatsOf(weight).entries()) {
    const channel = channelOf(i);
    scales[channel] = Math.max(scales[channel]!, Math.abs(value) / int8Levels);
  }
  return bias ? scales.map((scale, c) => Math.max(scale, Math.abs(bias[c]!) / dataScale / mostBias)) : scales;
};
