/** Types of a detector's end: how inputs are added, layers converted and the graph ended. */
import type { ValueInfoProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import type { ConvertedNetwork } from '../convert-network.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import type { Network } from '../network.ts';
import type { Value } from '../value.ts';
import type { Detector } from './detector.ts';

/** What an end needs to build the graph. */
export type EndContext = {
  readonly graph: GraphBuilder;
  readonly detector: Detector;
  /** Adds the network's inputs as graph inputs. */
  readonly enter: (network: Network) => readonly Value[];
  readonly convert: (network: Network, inputs: readonly Value[]) => ConvertedNetwork;
};

/** Ports of the finished graph. */
export type EndedNetwork = {
  readonly inputs: readonly Value[];
  readonly outputs: readonly ValueInfoProto[];
  /** Converted parts of the network, in order. */
  readonly parts: readonly ConvertedNetwork[];
};

/** Converts a detector's network and ends its graph in plugin nodes. */
export type End = (network: Network, context: EndContext) => EndedNetwork;
