/**
 * Factors that equalise the channels of a tensor with one int8 scale (M. Nagel et al., Data-Free Quantization Through Weight
 * Equalization and Bias Correction, ICCV 2019, arXiv 1906.04721).
 */
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { intOf } from '../../../formats/onnx/node.ts';
import { floatsOf } from '../../../formats/onnx/tensor.ts';
import type { ChannelGraph, ChannelSite } from './sites.ts';

/**
 * Smallest factor: below it, noise no longer counts, and an image with more than its calibrated range in such a channel
 * would be cut off.
 */
const leastFactor = 1e-3;

/** Where the ranges of activations and weights meet: 1 makes activations even, 0 weights, and 0.5 is the square root of the paper. */
export type Evenness = 0.5 | 0.75;

/**
 * Factor by which each channel is divided in front of the reader, 0 < f ≤ 1; undefined if sizes do not match. In front of a
 * depthwise convolution all channels get one range. A reader that sums channels has one weight scale for all of them, so that even
 * activations make uneven weights: there the ranges of both meet by `evenness`.
 */
export const chooseFactors = (
  { reader, sums }: ChannelSite,
  ranges: Float32Array,
  { around: { constants }, evenness }: { readonly around: ChannelGraph; readonly evenness: Evenness },
): Float32Array | undefined => {
  const weight = constants.get(reader.input[1]!)!;
  const channels = channelsOf(reader, weight);
  if (channels.inputs !== ranges.length) return undefined;
  const weights = sums ? largestShares(weight, channels) : undefined;
  const wanted = weights
    ? ranges.map((each, c) => each ** evenness / (weights[c] || 1) ** (1 - evenness))
    : ranges;
  const most = wanted.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), 0);
  // A channel that was never used keeps its range: nothing is known of it.
  return wanted.map((each) => (each > 0 && Number.isFinite(each) ? Math.max(leastFactor, each / most) : 1));
};

/**
 * Largest |w| of each input channel of a weight, as a share of the largest of its output channel, which decides the scale. So nothing
 * changes if output channels are divided for a later layer.
 */
const largestShares = (weight: TensorProto, { inputs, outputs, input, output }: Channels): Float32Array => {
  const magnitudes = floatsOf(weight).map(Math.abs);
  const most = new Float32Array(outputs);
  for (const [i, value] of magnitudes.entries()) most[output(i)] = Math.max(most[output(i)]!, value);
  const largest = new Float32Array(inputs);
  for (const [i, value] of magnitudes.entries())
    largest[input(i)] = Math.max(largest[input(i)]!, value / (most[output(i)] || 1));
  return largest;
};

/** Noise of the reader's output with one scale for all channels, relative to that with these factors. */
export const estimateGain = (
  { reader }: ChannelSite,
  factors: Float32Array,
  { constants }: ChannelGraph,
): number => {
  const weight = constants.get(reader.input[1]!)!;
  const { input } = channelsOf(reader, weight);
  let [before, after] = [0, 0];
  for (const [i, value] of floatsOf(weight).entries()) {
    before += value ** 2;
    after += (value * factors[input(i)]!) ** 2;
  }
  return after > 0 ? before / after : 1;
};

/** The channels of a weight: how many there are, and which ones its element i connects. */
type Channels = {
  readonly inputs: number;
  readonly outputs: number;
  readonly input: (i: number) => number;
  readonly output: (i: number) => number;
};

/** Channels of the weight of a Conv, [O,C/group,…], or of a ConvTranspose without groups, [C,O,…]. */
export const channelsOf = (reader: NodeProto, weight: TensorProto): Channels => {
  const [first, second, ...kernel] = weight.dims.map(Number) as [number, number, ...number[]];
  const size = kernel.reduce((product, side) => product * side, 1);
  const alongFirst = (i: number): number => Math.floor(i / (second * size));
  const alongSecond = (i: number): number => Math.floor(i / size) % second;
  if (reader.opType === 'ConvTranspose')
    return { inputs: first, outputs: second, input: alongFirst, output: alongSecond };
  const group = intOf(reader, 'group', 1);
  const groupOf = (i: number): number => Math.floor(alongFirst(i) / (first / group));
  return {
    inputs: second * group,
    outputs: first,
    input: (i) => groupOf(i) * second + alongSecond(i),
    output: alongFirst,
  };
};
