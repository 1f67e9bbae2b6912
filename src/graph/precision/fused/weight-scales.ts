/** Scales of weights for ONNX Runtime: one per output channel, so that no sum of integers overflows. */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { floatsOf } from '../../../formats/onnx/tensor.ts';
import { minScale } from '../../../formats/scales/calibration-cache.ts';
import { int8Levels } from '../../../formats/scales/int8-levels.ts';
import { channelIndex } from '../qdq-weights.ts';

/** Largest int32 that a bias may have, so that sums with it do not overflow. */
const mostBias = 2 ** 30;

/** What bounds the integers of a weight besides its values. */
export type ScaleLimits = {
  readonly bias: Float32Array | undefined;
  readonly dataScale: number;
  /** Whether the processor adds two products in 16 bits. */
  readonly pairsIn16Bits: boolean;
};

/** One scale per output channel: the largest weight has 127 steps, if no sum is too large for that. */
export const scaleChannels = (
  weight: TensorProto,
  axis: number,
  { bias, dataScale, pairsIn16Bits }: ScaleLimits,
): Float32Array => {
  const dims = weight.dims.map(Number);
  const channelOf = channelIndex(dims, axis);
  const scales = new Float32Array(dims[axis]!).fill(minScale);
  const values = floatsOf(weight);
  const raise = (i: number, magnitude: number): void => {
    const channel = channelOf(i);
    scales[channel] = Math.max(scales[channel]!, magnitude / int8Levels);
  };
  for (let i = 0; i < values.length; i++) raise(i, Math.abs(values[i]!));
  if (pairsIn16Bits)
    for (const [one, other] of listPairs(dims, axis)) raise(one, Math.abs(values[one]! + values[other]!));
  return bias ? scales.map((scale, c) => Math.max(scale, Math.abs(bias[c]!) / dataScale / mostBias)) : scales;
};

/**
 * Positions of the weights that ONNX Runtime's kernels (1.30) multiply in pairs: those of inputs 2i and 2i + 1 of one output, where the
 * inputs of a convolution are ordered by place in the kernel, then by channel. Rounded to at most 127 steps together, they sum to at most
 * 128, and their products with 255 to at most 32,640.
 */
function* listPairs(dims: readonly number[], axis: number): Generator<readonly [number, number]> {
  const count = dims.reduce((product, size) => product * size, 1);
  const outputs = dims[axis]!;
  const [places, inputs] = axis === 0 ? [count / (outputs * dims[1]!), dims[1]!] : [1, count / outputs];
  // Position of an input of an output: [O,I,places] for axis 0, [I,O] for axis 1.
  const at = (output: number, input: number): number => {
    const [place, channel] = [Math.floor(input / inputs), input % inputs];
    return axis === 0 ? (output * inputs + channel) * places + place : channel * outputs + output;
  };
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input + 1 < inputs * places; input += 2)
      yield [at(output, input), at(output, input + 1)];
}
