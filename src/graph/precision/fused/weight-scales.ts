/** Scales of weights for ONNX Runtime: one per output channel, so that no sum of integers overflows. */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { floatsOf } from '../../../formats/onnx/tensor.ts';
import { int8Levels } from '../../../formats/scales/int8-levels.ts';
import { largestOfChannels, scaleOfLargest } from '../qdq-weights.ts';

/** Largest int32 that a bias may have, so that sums with it do not overflow. */
const mostBias = 2 ** 30;

/** One scale per output channel. */
export type ChannelScales = {
  readonly axis: number;
  /** Whether the processor adds two products in 16 bits. */
  readonly pairsIn16Bits: boolean;
};

/** The largest weight of an output channel, or the largest sum of two that are added in 16 bits, has 127 steps. */
export const scaleChannels = (weight: TensorProto, { axis, pairsIn16Bits }: ChannelScales): Float32Array => {
  const dims = weight.dims.map(Number);
  const values = floatsOf(weight);
  const scales = scaleOfLargest(largestOfChannels(values, dims, axis));
  if (pairsIn16Bits)
    visitPairs(dims, axis, (channel, one, other) => {
      scales[channel] = Math.max(scales[channel]!, Math.abs(values[one]! + values[other]!) / int8Levels);
    });
  return scales;
};

/** Scales that leave room for a bias, too, which is added to products with data of this scale. */
export const roomForBias = (
  scales: Float32Array,
  bias: Float32Array | undefined,
  dataScale: number,
): Float32Array =>
  bias ? scales.map((scale, c) => Math.max(scale, Math.abs(bias[c]!) / dataScale / mostBias)) : scales;

/**
 * Positions of the weights that ONNX Runtime's kernels (1.30) multiply in pairs: those of inputs 2i and 2i + 1 of one output, where the
 * inputs of a convolution are ordered by place in the kernel, then by channel. Rounded to at most 127 steps together, they sum to at most
 * 128, and their products with 255 to at most 32,640.
 */
const visitPairs = (
  dims: readonly number[],
  axis: number,
  visit: (output: number, one: number, other: number) => void,
): void => {
  const count = dims.reduce((product, size) => product * size, 1);
  const outputs = dims[axis]!;
  const [places, inputs] = axis === 0 ? [count / (outputs * dims[1]!), dims[1]!] : [1, count / outputs];
  // Position of an input of an output: [O,I,places] for axis 0, [I,O] for axis 1.
  const at = (output: number, input: number): number => {
    const place = Math.floor(input / inputs);
    const channel = input % inputs;
    return axis === 0 ? (output * inputs + channel) * places + place : channel * outputs + output;
  };
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input + 1 < inputs * places; input += 2)
      visit(output, at(output, input), at(output, input + 1));
};
