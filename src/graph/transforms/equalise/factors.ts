/**
 * Factors that equalise the channels of a tensor with one int8 scale (M. Nagel et al., Data-Free Quantization Through Weight
 * Equalization and Bias Correction, ICCV 2019, arXiv 1906.04721).
 */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
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
  const group = intOf(reader, 'group', 1);
  if (Number(weight.dims[1]) * group !== ranges.length) return undefined;
  const weights = sums ? largestShares(weight) : undefined;
  const wanted = weights
    ? ranges.map((each, c) => each ** evenness / (weights[c] || 1) ** (1 - evenness))
    : ranges;
  const most = wanted.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), 0);
  // A channel that was never used keeps its range: nothing is known of it.
  return wanted.map((each) => (each > 0 && Number.isFinite(each) ? Math.max(leastFactor, each / most) : 1));
};

/**
 * Largest |w| of each input channel of a weight [O,C,…], as a share of the largest of its output channel, which decides the scale. So
 * nothing changes if output channels are divided for a later layer.
 */
const largestShares = (weight: TensorProto): Float32Array => {
  const dims = weight.dims.map(Number);
  const values = floatsOf(weight);
  const channelOf = inputChannelOf(dims, 1);
  const size = values.length / dims[0]!;
  const largest = new Float32Array(dims[1]!);
  for (let start = 0; start < values.length; start += size) {
    const output = values.subarray(start, start + size);
    const most = output.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    for (const [i, value] of output.entries())
      largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, Math.abs(value) / most);
  }
  return largest;
};

/** Noise of the reader's output with one scale for all channels, relative to that with these factors. */
export const estimateGain = (
  { reader }: ChannelSite,
  factors: Float32Array,
  { constants }: ChannelGraph,
): number => {
  const weight = constants.get(reader.input[1]!)!;
  const channelOf = inputChannelOf(weight.dims.map(Number), intOf(reader, 'group', 1));
  let [before, after] = [0, 0];
  for (const [i, value] of floatsOf(weight).entries()) {
    before += value ** 2;
    after += (value * factors[channelOf(i)]!) ** 2;
  }
  return after > 0 ? before / after : 1;
};

/** Input channel that the element i of a weight [O,C/group,…] multiplies. */
export const inputChannelOf = (dims: readonly number[], group: number): ((i: number) => number) => {
  const [outputs, inEach] = [dims[0]!, dims[1]!];
  const kernel = dims.slice(2).reduce((product, size) => product * size, 1);
  return (i) => {
    const output = Math.floor(i / (inEach * kernel));
    return Math.floor(output / (outputs / group)) * inEach + (Math.floor(i / kernel) % inEach);
  };
};
