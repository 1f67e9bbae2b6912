/**
 * Quantises weights to int8, symmetric, with one scale per output channel where engines support it: largest |w| of the
 * channel / 127.
 */

import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { intOf, makeNode } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloats, tensorFromInt8s } from '../../formats/onnx/tensor.ts';
import { minScale } from '../../formats/scales/calibration-cache.ts';
import { int8Levels as levels } from '../../formats/scales/int8-levels.ts';

/**
 * A DequantizeLinear node and its constants: int8 weight (layout of the float weight), scale and zero point ([channels]
 * or scalar).
 */
export type QuantisedWeight = {
  readonly dequantise: NodeProto;
  readonly tensors: readonly TensorProto[];
};

/** Name of the dequantised weight: shared by all nodes with output channels along the same axis. */
export const quantisedWeightName = (node: NodeProto, weight: TensorProto): string =>
  `${prefixOf(node, weight)}/dequantized`;

const prefixOf = (node: NodeProto, weight: TensorProto): string =>
  `${weight.name}/axis${outputAxis(node, weight) ?? 'All'}`;

/**
 * Quantises the weight of a node; values keep their layout.
 * @throws UserError ModelUnsupported for a weight of a non-numeric type
 */
export const quantiseWeight = (node: NodeProto, weight: TensorProto): QuantisedWeight => {
  const dims = weight.dims.map(Number);
  const axis = outputAxis(node, weight);
  const values = floatsOf(weight);
  const channelOf = axis === undefined ? () => 0 : channelIndex(dims, axis);
  const largest = new Float32Array(axis === undefined ? 1 : dims[axis]!);
  for (let i = 0; i < values.length; i++) {
    const channel = channelOf(i);
    largest[channel] = Math.max(largest[channel]!, Math.abs(values[i]!));
  }
  const scales = largest.map((magnitude) => Math.max(minScale, magnitude / levels));
  // Not `Int8Array.from(values, level)`, which builds a plain array: garbage collection then takes most of the time.
  const quantised = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++)
    quantised[i] = Math.max(-levels, Math.min(levels, Math.round(values[i]! / scales[channelOf(i)]!)));
  const names = { prefix: prefixOf(node, weight), output: quantisedWeightName(node, weight) };
  return assembleWeight(names, { axis, dims, scales, quantised });
};

type Parts = {
  /** Channel axis; undefined for one scale per tensor. */
  readonly axis: number | undefined;
  readonly dims: readonly number[];
  readonly scales: Float32Array;
  readonly quantised: Int8Array;
};

type Names = { readonly prefix: string; readonly output: string };

const assembleWeight = (
  { prefix, output }: Names,
  { axis, dims, scales, quantised }: Parts,
): QuantisedWeight => {
  const count = axis === undefined ? [] : [scales.length];
  const tensors = [
    tensorFromInt8s(`${prefix}/int8`, dims, quantised),
    tensorFromFloats(`${prefix}/scale`, count, scales),
    tensorFromInt8s(`${prefix}/zero`, count, new Int8Array(scales.length)),
  ];
  const dequantise = makeNode('DequantizeLinear', {
    name: `${prefix}/DQ`,
    inputs: tensors.map((tensor) => tensor.name),
    outputs: [output],
    ...(axis !== undefined && { attributes: { axis: { int: axis } } }),
  });
  return { dequantise, tensors };
};

/**
 * Axis of the output channels. Conv [O,I/g,…]: 0. ConvTranspose [I,O/g,…]: 1. Gemm: 0 if transposed, else 1. MatMul
 * [in,out]: 1; a stack of matrices has one scale per tensor, because ONNX Runtime (1.30) supports no more.
 */
export const outputAxis = (node: NodeProto, { dims }: TensorProto): number | undefined => {
  if (node.opType === 'Conv') return 0;
  if (node.opType === 'Gemm') return intOf(node, 'transB', 0) === 1 ? 0 : 1;
  return node.opType === 'MatMul' && dims.length > 2 ? undefined : 1;
};

/** Returns the function from the position of a value in a tensor of these sizes to its index on the axis. */
export const channelIndex = (dims: readonly number[], axis: number): ((i: number) => number) => {
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channels = dims[axis]!;
  return (i) => Math.floor(i / inner) % channels;
};
