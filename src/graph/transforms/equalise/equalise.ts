/**
 * Equalises channels before convolutions: each channel is divided where it is made and multiplied where it is read, so
 * that the graph computes the same, and one int8 scale fits all channels of the tensor between.
 *
 * A Relu6 gets a limit per channel, as Relu and Min. TensorRT imports Min as an ElementWise layer, which it fuses with
 * neighbouring element-wise layers but not into the convolution, since it broadcasts the limits; a Clip it would fuse
 * (TensorRT developer guide, "Types of Fusions"). So this costs an engine one pass over the tensor.
 */
import type { ModelProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, opsetOf } from '../../../formats/onnx/graph.ts';
import { pruneGraph } from '../prune.ts';
import { chooseFactors, estimateGain } from './factors.ts';
import { hasLimits } from './passed.ts';
import { ScaledNodes } from './scaled-nodes.ts';
import { type ChannelSite, findChannelSites, indexGraph } from './sites.ts';

/** An equalised model. */
export type EqualisedModel = {
  readonly model: ModelProto;
  /** Number of convolutions in front of which channels were equalised. */
  readonly layers: number;
  /** Number of nodes more than before. */
  readonly nodes: number;
};

/** In front of which convolutions: all, or those alone whose weights lose nothing. */
export type EqualisedReaders = 'All' | 'Depthwise';

/** Least estimated gain in signal-to-noise power of a site that adds a node: 1 dB. */
const worthANode = 10 ** 0.1;

/** The tensors [N,C,…] whose ranges `equaliseChannels` needs, with their ranks. */
export const listEqualisable = (
  model: ModelProto,
  readers: EqualisedReaders = 'All',
): ReadonlyMap<string, number> => {
  const { around, sites } = sitesOf(model, readers);
  return new Map(
    sites.map(({ tensor, reader }) => [tensor, around.constants.get(reader.input[1]!)!.dims.length]),
  );
};

const sitesOf = (model: ModelProto, readers: EqualisedReaders) => {
  const around = indexGraph(foldConstants(graphOf(model)), opsetOf(model));
  return { around, sites: findChannelSites(around).filter(({ sums }) => readers === 'All' || !sums) };
};

/**
 * Equalises a model.
 * @param ranges largest |x| of each channel, by tensor; tensors without ranges stay as they are
 */
export const equaliseChannels = (
  model: ModelProto,
  ranges: ReadonlyMap<string, Float32Array>,
  readers: EqualisedReaders = 'All',
): EqualisedModel => {
  const { around, sites } = sitesOf(model, readers);
  const scaled = new ScaledNodes(around);
  let layers = 0;
  for (const site of sites) {
    const known = ranges.get(site.tensor);
    const factors = known && chooseFactors(site, known, around);
    if (!factors || (addsNode(site) && estimateGain(site, factors, around) < worthANode)) continue;
    scaled.scale(site, factors);
    layers++;
  }
  if (layers === 0) return { model, layers, nodes: 0 };
  const graph = pruneGraph(copyWith(around.graph, scaled.finish()));
  return { model: copyWith(model, { graph }), layers, nodes: graph.node.length - around.graph.node.length };
};

const addsNode = ({ source, between }: ChannelSite): boolean =>
  source === undefined || between.some(hasLimits);
