/**
 * The model that training with quantisation made, with rounding taken out node by node: each QuantizeLinear becomes a Clip
 * to the ends of its integers, each DequantizeLinear behind it an Identity, and nothing else changes. What the export
 * makes of the model by other means (qat.ts) is held against it.
 */
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, initializerMap, opsetOf } from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import type { TrainedPair } from './qat.ts';
import { clipOf, cutWeight } from './qat-clip.ts';
import { areUnknown, type Ends, endsAlike, endsOf } from './qat-cut.ts';
import { isDequantize, isQuantize, quantiserOf } from './qat-quantiser.ts';

/** A pair of an activation, as the model has it. */
export type Pair = {
  /** What goes in, what comes out. */
  readonly from: string;
  readonly to: string;
  /** One value for each side; undefined where the graph computes them, or each channel has its own. */
  readonly ends: Ends | undefined;
};

/** Of the graph itself; a pair inside a body is refused before. */
export const pairsOf = (source: ModelProto): readonly Pair[] => {
  const graph = foldConstants(graphOf(source));
  const constants = initializerMap(graph);
  const quantisers = new Map(graph.node.filter(isQuantize).map((node) => [node.output[0]!, node]));
  return graph.node.filter(isDequantize).flatMap((node) => {
    const quantise = quantisers.get(node.input[0]!);
    if (!quantise || constants.has(quantise.input[0]!)) return [];
    return [{ from: quantise.input[0]!, to: node.output[0]!, ends: scalarEnds(quantise, constants) }];
  });
};

const scalarEnds = (node: NodeProto, constants: ReadonlyMap<string, TensorProto>): Ends | undefined => {
  const ends = endsOf(quantiserOf(node, constants));
  return areUnknown(ends) || ends.low.length > 1 ? undefined : ends;
};

/**
 * `pairs`: those that the export took out. A pair keeps its lower end unless both ends are alike, and its upper end where
 * a Clip stays in the export: saturation far from zero is the range of the training and no part of the float graph.
 */
export const withoutRounding = (source: ModelProto, pairs: readonly TrainedPair[]): ModelProto => {
  const graph = foldConstants(graphOf(source));
  const clipped = new Set(pairs.flatMap(({ clipped: name }) => name ?? []));
  return copyWith(source, { graph: new Unrounded(graph, opsetOf(source), clipped).result() });
};

class Unrounded {
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
    const ends = endsOf(quantiser);
    if (endsAlike(quantiser) || areUnknown(ends)) return same;
    const weight = this.#constants.get(from);
    if (weight) return this.#weight(cutWeight(weight, ends, quantise), same);
    const high = this.#clipped.has(to) ? ends.high : ends.high.map(() => largest);
    const dataType = this.#constants.get(quantise.input[1]!)!.dataType;
    const { node, bounds } = clipOf({ ...ends, high }, { from, to, opset: this.#opset, dataType });
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

/** Of float32. */
const largest = 3.4028234663852886e38;
