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
  const scales = scaleOfLargest(largestOfChannels(values, dims, axis));
  const quantised = quantiseByChannel(values, scales, runOf(dims, axis));
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

/** Number of adjacent values of one channel in a tensor of these sizes: all of them without an axis. */
export const runOf = (dims: readonly number[], axis: number | undefined): number =>
  dims.slice(axis === undefined ? 0 : axis + 1).reduce((product, size) => product * size, 1);

/** Largest |w| of each channel; of all values without an axis. */
export const largestOfChannels = (
  values: Float32Array,
  dims: readonly number[],
  axis: number | undefined,
): Float32Array => {
  const largest = new Float32Array(axis === undefined ? 1 : dims[axis]!);
  const run = runOf(dims, axis);
  for (let from = 0, channel = 0; from < values.length; from += run, channel++) {
    if (channel === largest.length) channel = 0;
    let most = largest[channel]!;
    for (let i = from; i < from + run; i++) most = Math.max(most, Math.abs(values[i]!));
    largest[channel] = most;
  }
  return largest;
};

/** Scales with 127 steps to the largest |w|. */
export const scaleOfLargest = (largest: Float32Array): Float32Array =>
  largest.map((magnitude) => Math.max(minScale, magnitude / levels));

/** Levels from −127 to 127; `run` adjacent values have one of the scales, in turns. */
export const quantiseByChannel = (values: Float32Array, scales: Float32Array, run: number): Int8Array => {
  // Not `Int8Array.from(values, level)`, which builds a plain array: garbage collection then takes most of the time.
  const quantised = new Int8Array(values.length);
  for (let from = 0, channel = 0; from < values.length; from += run, channel++) {
    if (channel === scales.length) channel = 0;
    const scale = scales[channel]!;
    for (let i = from; i < from + run; i++) {
      // Math.round of a ratio of two float32, without what it does for other numbers: a third of the time.
      const level = Math.floor(values[i]! / scale + 0.5);
      quantised[i] = level > levels ? levels : level < -levels ? -levels : level;
    }
  }
  return quantised;
};
