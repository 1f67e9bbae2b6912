/**
 * Builds an explicitly quantised graph: QuantizeLinear and DequantizeLinear pairs with the calibrated scales, where
 * TensorRT fuses them (TensorRT developer guide, "Q/DQ layer-placement recommendations"): at the inputs of int8 layers,
 * never at their outputs. Weights have one scale per output channel; biases stay float.
 */

import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, initializerMap, withGraph } from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { tensorFromFloats, tensorFromInt8s } from '../../formats/onnx/tensor.ts';
import { UserError } from '../../ground/base/errors.ts';
import { remember } from '../../ground/base/remember.ts';
import { flushSubnormals } from '../transforms/flush-subnormals.ts';
import { foldBatchNorms } from '../transforms/fold-batchnorm.ts';
import { flattenMatrixWeights } from '../transforms/matrix-weights.ts';
import { raiseOpset } from '../transforms/raise-opset.ts';
import { type PairRules, pairRules } from './pair-rules.ts';
import { type PairPlacement, quantisedInputs, weightOf } from './qdq-placement.ts';
import { quantisedWeightName, quantiseWeight } from './qdq-weights.ts';

/** Scale of each tensor: real = level × scale, levels −127…127. */
export type Scales = ReadonlyMap<string, number>;

/**
 * Quantises a model.
 * @throws UserError CacheInvalid if no tensor to quantise has a scale, EngineUnsupported if the opset cannot be raised
 */
export const quantiseModel = (
  source: ModelProto,
  scales: Scales,
  rules: PairRules = pairRules.TensorRt,
): ModelProto => {
  const model = prepareForQdq(source);
  const graph = graphOf(model);
  const placement = { graph, constants: initializerMap(graph), rules };
  const pairs = new PairInserter(placement, scales);
  const node = graph.node.flatMap((each) => pairs.around(each));
  if (pairs.count === 0) requireNothingToQuantise(placement);
  const initializer = pairs.initializers.filter(usedBy(node, graph));
  return copyWith(model, { graph: copyWith(graph, { node, initializer, valueInfo: [] }) });
};

/** A graph without int8 layers stays unchanged; otherwise the scales belong to another model. */
const requireNothingToQuantise = (placement: PairPlacement): void => {
  const tensors = placement.graph.node.flatMap((node) =>
    quantisedInputs(node, placement).map((i) => node.input[i]!),
  );
  if (tensors.length === 0) return;
  throw new UserError(
    'CacheInvalid',
    `Quantising the graph: the calibration cache has no scale for any of the ${new Set(tensors).size} tensors that would be quantised (${tensors[0]} …), so it is of another model. Name the cache of this model, or remove this one to calibrate again.`,
  );
};

/**
 * Prepares a graph for Q/DQ pairs: constants and batch norms folded, weights as matrices, opset 13 or later; the same
 * model if it is so already. Once for each model, which is never changed: an export needs it for its checks, its comparisons and its engine.
 */
export const prepareForQdq = remember((source: ModelProto): ModelProto => {
  const model = raiseOpset(withGraph(source, foldConstants(graphOf(source))));
  const folded = foldBatchNorms(graphOf(model)); // a product with the factor of a given-up channel can be subnormal again
  return withGraph(model, flattenMatrixWeights(flushSubnormals(folded)));
});

/** Inserts one pair per tensor, shared by all its readers. */
class PairInserter {
  readonly initializers: TensorProto[];
  readonly #placement: PairPlacement;
  readonly #scales: Scales;
  readonly #done = new Set<string>();

  constructor(placement: PairPlacement, scales: Scales) {
    this.#placement = placement;
    this.#scales = scales;
    this.initializers = [...placement.graph.initializer, tensorFromInt8s('qdq/zero', [], new Int8Array(1))];
  }

  get count(): number {
    return this.#done.size;
  }

  /** Returns the node with quantised inputs, after the pairs that it is the first to need. */
  around(node: NodeProto): NodeProto[] {
    const wanted = quantisedInputs(node, this.#placement).filter((i) => this.#scales.has(node.input[i]!));
    if (wanted.length === 0) return [node];
    const before = wanted.flatMap((i) => this.#pair(node.input[i]!));
    const input = node.input.map((name, i) => (wanted.includes(i) ? `${name}/dequantized` : name));
    const weight = weightOf(node, this.#placement.constants);
    if (weight === undefined) return [...before, copyWith(node, { input })];
    const float = this.#placement.constants.get(node.input[weight]!)!;
    const output = quantisedWeightName(node, float);
    const quantised = copyWith(node, { input: input.map((name, i) => (i === weight ? output : name)) });
    return [...before, ...this.#weight(node, float, output), quantised];
  }

  /** One dequantised weight for all readers along the same axis: an unrolled network reads a weight at each step. */
  #weight(node: NodeProto, weight: TensorProto, output: string): NodeProto[] {
    if (this.#done.has(output)) return [];
    this.#done.add(output);
    const { dequantise, tensors } = quantiseWeight(node, weight);
    this.initializers.push(...tensors);
    return [dequantise];
  }

  #pair(name: string): NodeProto[] {
    if (this.#done.has(name)) return [];
    this.#done.add(name);
    const scale = tensorFromFloats(`${name}/scale`, [], Float32Array.of(this.#scales.get(name)!));
    this.initializers.push(scale);
    const parameters = [scale.name, 'qdq/zero'];
    const [quantized, dequantized] = [`${name}/quantized`, `${name}/dequantized`];
    return [
      makeNode('QuantizeLinear', { name: `${name}/Q`, inputs: [name, ...parameters], outputs: [quantized] }),
      makeNode('DequantizeLinear', {
        name: `${name}/DQ`,
        inputs: [quantized, ...parameters],
        outputs: [dequantized],
      }),
    ];
  }
}

/** Drops replaced float weights and folded batch norms. */
const usedBy = (nodes: readonly NodeProto[], { output }: GraphProto): ((tensor: TensorProto) => boolean) => {
  const used = new Set([...nodes.flatMap(readsOf), ...output.map(({ name }) => name)]);
  return ({ name }) => used.has(name);
};
