/** Weights as int8, one scale per output channel, symmetric: largest |w| of the channel / 127. */

import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { intOf, makeNode } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloats, tensorFromInt8s } from '../../formats/onnx/tensor.ts';
import { leastScale } from '../../formats/scales/calibration-cache.ts';

export type QuantisedWeight = {
  readonly dequantise: NodeProto;
  readonly tensors: readonly TensorProto[];
  /** Name of the float weight that comes out. */
  readonly output: string;
};

const levels = 127;

export const quantiseWeight = (node: NodeProto, weight: TensorProto): QuantisedWeight => {
  const axis = outputAxis(node);
  const dims = weight.dims.map(Number);
  const values = floatsOf(weight);
  const channelOf = channelIndex(dims, axis);
  const scales = new Float32Array(dims[axis]!);
  for (let i = 0; i < values.length; i++) {
    const channel = channelOf(i);
    scales[channel] = Math.max(scales[channel]!, Math.abs(values[i]!));
  }
  for (let channel = 0; channel < scales.length; channel++)
    scales[channel] = Math.max(leastScale, scales[channel]! / levels);
  const quantised = Int8Array.from(values, (value, i) =>
    Math.max(-levels, Math.min(levels, Math.round(value / scales[channelOf(i)]!))),
  );
  return assembled(weight.name, { axis, dims, scales, quantised });
};

type Parts = {
  readonly axis: number;
  readonly dims: readonly number[];
  readonly scales: Float32Array;
  readonly quantised: Int8Array;
};

const assembled = (name: string, { axis, dims, scales, quantised }: Parts): QuantisedWeight => {
  const prefix = `${name}/axis${axis}`;
  const tensors = [
    tensorFromInt8s(`${prefix}/int8`, dims, quantised),
    tensorFromFloats(`${prefix}/scale`, [scales.length], scales),
    tensorFromInt8s(`${prefix}/zero`, [scales.length], new Int8Array(scales.length)),
  ];
  const output = `${prefix}/dequantized`;
  const dequantise = makeNode('DequantizeLinear', {
    name: `${prefix}/DQ`,
    inputs: tensors.map((tensor) => tensor.name),
    outputs: [output],
    attributes: { axis: { int: axis } },
  });
  return { dequantise, tensors, output };
};

/** Conv [O,I/g,…]: 0. ConvTranspose [I,O/g,…]: 1. Gemm: rows when transposed, else columns. MatMul: the last. */
const outputAxis = (node: NodeProto): number => {
  if (node.opType === 'Conv') return 0;
  if (node.opType === 'Gemm') return intOf(node, 'transB', 0) === 1 ? 0 : 1;
  return 1;
};

const channelIndex = (dims: readonly number[], axis: number): ((i: number) => number) => {
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channels = dims[axis]!;
  return (i) => Math.floor(i / inner) % channels;
};
