/**
 * The quantisation-aware-trained model with rounding removed node by node: each QuantizeLinear becomes a Clip to its
 * integer range, each DequantizeLinear an Identity, and nothing else changes. It verifies what qat.ts derives by other
 * means.
 */
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, initializerMap, opsetOf } from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import type { TrainedPair } from './qat.ts';
import { clipWeight, makeClip } from './qat-clip.ts';
import { type ClipRange, clipRangeOf, isSymmetric, isUnknownRange } from './qat-cut.ts';
import { isDequantize, isQuantize, quantiserOf } from './qat-quantiser.ts';

/** A Q/DQ pair of an activation. */
export type ActivationPair = {
  /** Input and output tensor. */
  readonly from: string;
  readonly to: string;
  /** Clip range; undefined if it is computed or per channel. */
  readonly ends: ClipRange | undefined;
};

/** Lists the pairs of the top-level graph; pairs inside bodies are refused earlier. */
export const listPairs = (source: ModelProto): readonly ActivationPair[] => {
  const graph = foldConstants(graphOf(source));
  const constants = initializerMap(graph);
  const quantisers = new Map(graph.node.filter(isQuantize).map((node) => [node.output[0]!, node]));
  return graph.node.filter(isDequantize).flatMap((node) => {
    const quantise = quantisers.get(node.input[0]!);
    if (!quantise || constants.has(quantise.input[0]!)) return [];
    return [{ from: quantise.input[0]!, to: node.output[0]!, ends: scalarEnds(quantise, constants) }];
  });
};

const scalarEnds = (node: NodeProto, constants: ReadonlyMap<string, TensorProto>): ClipRange | undefined => {
  const ends = clipRangeOf(quantiserOf(node, constants));
  return isUnknownRange(ends) || ends.low.length > 1 ? undefined : ends;
};

/**
 * Removes rounding; `pairs` are those that the export removed. A pair keeps its lower bound unless it is symmetric, and
 * its upper bound if the export keeps a Clip there: saturation far from zero belongs to the trained range, not to the
 * float graph.
 */
export const removeRounding = (source: ModelProto, pairs: readonly TrainedPair[]): ModelProto => {
  const graph = foldConstants(graphOf(source));
  const clipped = new Set(pairs.flatMap(({ clipped: name }) => name ?? []));
  return copyWith(source, { graph: new RoundingRemover(graph, opsetOf(source), clipped).result() });
};

class RoundingRemover {
  readonly #graph: GraphProto;
  readonly #opset: number;
  readonly #clipped: ReadonlySet<string>;
  readonly #constants: Map<string, TensorProto>;
  readonly #quantisers = new Map<string, NodeProto>();

  constructor(graph: GraphProto, opset: number, clipped: ReadonlySet<string>) {
    this.#graph = graph;
    this.#opset = opset;
    this.#clipped = clipped;
    this.#constants = initializerMap(graph);
  }

  result(): GraphProto {
    const node = this.#graph.node.flatMap((each) => this.#replaced(each));
    return copyWith(this.#graph, { node, initializer: [...this.#constants.values()], valueInfo: [] });
  }

  #replaced(node: NodeProto): NodeProto[] {
    if (isQuantize(node)) this.#quantisers.set(node.output[0]!, node);
    const quantise = isDequantize(node) ? this.#quantisers.get(node.input[0]!) : undefined;
    if (quantise) return [this.#between(quantise, node.output[0]!)];
    return isQuantize(node) ? [] : [node];
  }

  #between(quantise: NodeProto, to: string): NodeProto {
    const from = quantise.input[0]!;
    const same = makeNode('Identity', { inputs: [from], outputs: [to] });
    const quantiser = quantiserOf(quantise, this.#constants);
    const ends = clipRangeOf(quantiser);
    if (isSymmetric(quantiser) || isUnknownRange(ends)) return same;
    const weight = this.#constants.get(from);
    if (weight) return this.#weight(clipWeight(weight, ends, quantise), same);
    const high = this.#clipped.has(to) ? ends.high : ends.high.map(() => largest);
    const dataType = this.#constants.get(quantise.input[1]!)!.dataType;
    const { node, bounds } = makeClip({ ...ends, high }, { from, to, opset: this.#opset, dataType });
    for (const bound of bounds) this.#constants.set(bound.name, bound);
    return node;
  }

  #weight(cut: TensorProto | undefined, same: NodeProto): NodeProto {
    if (!cut) return same;
    const name = `${same.output[0]}/cut`;
    this.#constants.set(name, copyWith(cut, { name }));
    return copyWith(same, { input: [name] });
  }
}

/** Largest float32. */
const largest = 3.4028234663852886e38;
