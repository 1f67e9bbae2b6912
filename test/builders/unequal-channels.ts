/** Networks whose channels differ in range by powers of two in front of a depthwise convolution. */
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { channels, classifierWith, type Network } from './networks.ts';

export type Build = (network: Network, from: string) => string;

/** Channel c of the first convolution is about 2⁻ᶜ of the channel 0. */
const unequal = (network: Network): string => {
  const weight = Array.from(
    { length: channels * channels * 9 },
    (_, i) => (network.normal() / 12) * 2 ** -Math.floor(i / (channels * 9)),
  );
  return network.floats([channels, channels, 3, 3], weight);
};

/** A depthwise convolution whose weights make up for that, so that each channel counts. */
export const depthwise = (network: Network, from: string): string => {
  const weight = Array.from({ length: channels * 9 }, (_, i) => network.normal() * 2 ** Math.floor(i / 9));
  const inputs = [from, network.floats([channels, 1, 3, 3], weight)];
  return network.node('Conv', inputs, { group: { int: channels }, pads: { ints: [1, 1, 1, 1] } }, [
    'depthwise',
  ]);
};

const bias = (network: Network): string =>
  network.floats(
    [channels],
    Array.from({ length: channels }, (_, c) => network.normal() * 2 ** -c),
  );

/** A convolution with bias, unequal channels. */
export const convolved: Build = (network, from) =>
  network.node('Conv', [from, unequal(network), bias(network)], { pads: { ints: [1, 1, 1, 1] } });

/** A classifier with a depthwise convolution `depthwise` behind what `build` makes. */
export const unequalClassifier = (build: Build): ModelProto =>
  classifierWith((network, from) => network.node('Tanh', [depthwise(network, build(network, from))]));
