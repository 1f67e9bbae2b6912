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
import { chooseFactors, type Evenness, estimateGain } from './factors.ts';
import { hasLimits } from './passed.ts';
import { ScaledNodes } from './scaled-nodes.ts';
import { type ChannelSite, findChannelSites, indexGraph } from './sites.ts';

/** An equalised model. */
export type EqualisedModel = {
  readonly model: ModelProto;
  readonly rule: EqualisingRule;
  /** Number of convolutions in front of which channels were equalised. */
  readonly layers: number;
  /** How many of them sum channels. */
  readonly summing: number;
  /** Number of nodes more than before. */
  readonly nodes: number;
};

/** In front of which convolutions: all; or depthwise ones, whose weights lose nothing, and others where no node is added. */
export type EqualisedReaders = 'All' | 'DepthwiseAndFree';

/** How to equalise. */
export type EqualisingRule = { readonly readers: EqualisedReaders; readonly evenness: Evenness };

/**
 * Rules of which none is best for every model: by Entropy, the first and the third gain 13.1 and 10.9 dB on PP-LCNet, and 0.6 and 1.1 on the
 * tiny detector of PP-OCRv6.
 */
const rules: readonly EqualisingRule[] = [
  { readers: 'All', evenness: 0.75 },
  { readers: 'All', evenness: 0.5 },
  { readers: 'DepthwiseAndFree', evenness: 0.75 },
];

/** Least estimated gain in signal-to-noise power of a site that adds a node: 1 dB. */
const worthANode = 10 ** 0.1;

/** The tensors [N,C,…] whose ranges `equaliseChannels` needs, with their ranks. */
export const listEqualisable = (model: ModelProto): ReadonlyMap<string, number> => {
  const { around, sites } = sitesOf(model);
  return new Map(
    sites.map(({ tensor, reader }) => [tensor, around.constants.get(reader.input[1]!)!.dims.length]),
  );
};

const sitesOf = (model: ModelProto) => {
  const around = indexGraph(foldConstants(graphOf(model)), opsetOf(model));
  return { around, sites: findChannelSites(around) };
};

const addsNode = ({ source, between }: ChannelSite): boolean =>
  source === undefined || between.some(hasLimits);

const isWanted: Readonly<Record<EqualisedReaders, (site: ChannelSite) => boolean>> = {
  All: () => true,
  DepthwiseAndFree: (site) => !site.sums || !addsNode(site),
};

/**
 * Equalises a model.
 * @param ranges largest |x| of each channel, by tensor; tensors without ranges stay as they are
 */
export const equaliseChannels = (
  model: ModelProto,
  ranges: ReadonlyMap<string, Float32Array>,
  rule: EqualisingRule = rules[0]!,
): EqualisedModel => {
  const { around, sites } = sitesOf(model);
  const scaled = new ScaledNodes(around);
  let [layers, summing] = [0, 0];
  for (const site of sites.filter(isWanted[rule.readers])) {
    const known = ranges.get(site.tensor);
    const factors = known && chooseFactors(site, known, { around, evenness: rule.evenness });
    if (!factors || (addsNode(site) && estimateGain(site, factors, around) < worthANode)) continue;
    scaled.scale(site, factors);
    layers++;
    if (site.sums) summing++;
  }
  if (layers === 0) return { model, rule, layers, summing, nodes: 0 };
  const graph = pruneGraph(copyWith(around.graph, scaled.finish()));
  const nodes = graph.node.length - around.graph.node.length;
  return { model: copyWith(model, { graph }), rule, layers, summing, nodes };
};

/** Equalises a model by each rule that makes a difference; empty if none does. @param ranges as of `equaliseChannels` */
export const equaliseByRules = (
  model: ModelProto,
  ranges: ReadonlyMap<string, Float32Array>,
): readonly EqualisedModel[] => {
  const found: EqualisedModel[] = [];
  for (const rule of rules) {
    const made = equaliseChannels(model, ranges, rule);
    if (made.layers > 0 && !found.some((each) => isSameRule(each, made))) found.push(made);
  }
  return found;
};

/** Fewer readers are the same if they are as many; evenness concerns those alone that sum channels. */
const isSameRule = (one: EqualisedModel, other: EqualisedModel): boolean =>
  one.layers === other.layers &&
  one.nodes === other.nodes &&
  (one.summing === 0 || one.rule.evenness === other.rule.evenness);
