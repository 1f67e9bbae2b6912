/** How a network becomes an ONNX graph: its inputs, what is computed of them, and how it ends. */
import type { ValueInfoProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import type { ConvertedNetwork } from '../convert-network.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Network } from '../network.ts';
import type { Value } from '../value.ts';
import type { Detector } from './detector.ts';

export type EndContext = {
  readonly graph: GraphBuilder;
  readonly detector: Detector;
  /** Makes graph inputs of the network's inputs. */
  readonly enter: (network: Network) => readonly Value[];
  readonly convert: (network: Network, inputs: readonly Value[]) => ConvertedNetwork;
};

export type EndedNetwork = {
  readonly inputs: readonly Value[];
  readonly outputs: readonly ValueInfoProto[];
  /** What was converted on the way, in order. */
  readonly parts: readonly ConvertedNetwork[];
};

export type End = (network: Network, ground: EndContext) => EndedNetwork;
