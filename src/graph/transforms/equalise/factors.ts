/**
 * Factors that equalise the channels of a tensor with one int8 scale (M. Nagel et al., Data-Free Quantization Through Weight
 * Equalization and Bias Correction, ICCV 2019, arXiv 1906.04721).
 */
import { intOf } from '../../../formats/onnx/node.ts';
import { floatsOf } from '../../../formats/onnx/tensor.ts';
import type { ChannelGraph, ChannelSite } from './sites.ts';

/**
 * Smallest factor: below it, noise no longer counts, and an image with more than its calibrated range in such a channel
 * would be cut off.
 */
const leastFactor = { depthwise: 1e-3, dense: 1e-2 } as const;

/** Factor by which each channel is divided in front of the reader, 0 < f ≤ 1; undefined if sizes do not match. */
export const chooseFactors = (
  site: ChannelSite,
  ranges: Float32Array,
  around: ChannelGraph,
): Float32Array | undefined => {
  const weights = readWeights(site, around);
  if (weights.largest.length !== ranges.length) return undefined;
  const wanted = site.isDepthwise
    ? ranges
    : ranges.map((range, c) => Math.sqrt(range / Math.max(weights.largest[c]!, Number.MIN_VALUE)));
  const most = wanted.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), 0);
  const least = site.isDepthwise ? leastFactor.depthwise : leastFactor.dense;
  // A channel that was never used keeps its range: nothing is known of it.
  return wanted.map((each) =>
    each > 0 && Number.isFinite(each) && most > 0 ? Math.max(least, each / most) : 1,
  );
};

/** Noise of the reader's output with one scale for all channels, relative to that with these factors. */
export const estimateGain = (site: ChannelSite, factors: Float32Array, around: ChannelGraph): number => {
  const { energy } = readWeights(site, around);
  let [before, after] = [0, 0];
  for (const [c, factor] of factors.entries()) {
    before += energy[c]!;
    after += energy[c]! * factor ** 2;
  }
  return after > 0 ? before / after : 1;
};

type ReaderWeights = {
  /** Largest weight of each input channel, relative to the largest of its output channel, which has one scale. */
  readonly largest: Float32Array;
  /** Σw² of each input channel. */
  readonly energy: Float64Array;
};

const readWeights = ({ reader }: ChannelSite, { constants }: ChannelGraph): ReaderWeights => {
  const weight = constants.get(reader.input[1]!)!;
  const values = floatsOf(weight);
  const channelOf = inputChannelOf(weight.dims.map(Number), intOf(reader, 'group', 1));
  const channels = intOf(reader, 'group', 1) * Number(weight.dims[1]);
  const perOutput = values.length / Number(weight.dims[0]);
  const rows = new Float32Array(Number(weight.dims[0]));
  for (const [i, value] of values.entries()) {
    const row = Math.floor(i / perOutput);
    rows[row] = Math.max(rows[row]!, Math.abs(value));
  }
  const [largest, energy] = [new Float32Array(channels), new Float64Array(channels)];
  for (const [i, value] of values.entries()) {
    const channel = channelOf(i);
    const relative = Math.abs(value) / Math.max(rows[Math.floor(i / perOutput)]!, Number.MIN_VALUE);
    largest[channel] = Math.max(largest[channel]!, relative);
    energy[channel]! += value ** 2;
  }
  return { largest, energy };
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
