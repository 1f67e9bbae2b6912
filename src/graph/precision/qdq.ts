/**
 * An explicitly quantised graph: QuantizeLinear and DequantizeLinear pairs with the calibrated scales, placed where
 * TensorRT fuses them (TensorRT developer guide, "Q/DQ layer-placement recommendations"): on the inputs of what
 * computes in int8, never on its output; weights per output channel; biases float.
 */

import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, initializerMap } from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { tensorFromFloats, tensorFromInt8s } from '../../formats/onnx/tensor.ts';
import { UserError } from '../../ground/base/errors.ts';
import { foldBatchNorms } from '../transforms/fold-batchnorm.ts';
import { withMatrixWeights } from '../transforms/matrix-weights.ts';
import { raiseOpset } from '../transforms/raise-opset.ts';
import { quantisedInputs, weightOf } from './qdq-placement.ts';
import { quantisedWeightName, quantiseWeight } from './qdq-weights.ts';

/** Scale of each tensor: real = level × scale, levels −127…127. */
export type Scales = ReadonlyMap<string, number>;

/** @throws UserError CacheInvalid if tensors would be quantised and none has a scale, EngineUnsupported for an old opset */
export const quantisedModel = (source: ModelProto, scales: Scales): ModelProto => {
  const model = preparedModel(source);
  const graph = graphOf(model);
  const pairs = new Pairs(graph, scales);
  const node = graph.node.flatMap((each) => pairs.around(each));
  if (pairs.count === 0) requireNothingToQuantise(graph);
  const initializer = pairs.initializers.filter(usedBy(node, graph));
  return copyWith(model, { graph: copyWith(graph, { node, initializer, valueInfo: [] }) });
};

/** A graph without layers for int8 stays as it is; otherwise the scales are not its own. */
const requireNothingToQuantise = (graph: GraphProto): void => {
  const constants = initializerMap(graph);
  const tensors = graph.node.flatMap((node) =>
    quantisedInputs(node, graph, constants).map((i) => node.input[i]!),
  );
  if (tensors.length === 0) return;
  throw new UserError(
    'CacheInvalid',
    `Quantising the graph: the calibration cache has no scale for any of the ${new Set(tensors).size} tensors that would be quantised (${tensors[0]} …), so it is of another model. Name the cache of this model, or remove this one to calibrate again.`,
  );
};

/** The graph that pairs are placed in: constants and batch norms folded, weights as matrices, at an opset that has the operators. */
export const preparedModel = (source: ModelProto): ModelProto => {
  const model = raiseOpset(copyWith(source, { graph: foldConstants(graphOf(source)) }));
  return copyWith(model, { graph: withMatrixWeights(foldBatchNorms(graphOf(model))) });
};

/** One pair a tensor, shared by all that read it. */
class Pairs {
  readonly initializers: TensorProto[];
  readonly #constants: ReadonlyMap<string, TensorProto>;
  readonly #graph: GraphProto;
  readonly #scales: Scales;
  readonly #done = new Set<string>();

  constructor(graph: GraphProto, scales: Scales) {
    this.#graph = graph;
    this.#scales = scales;
    this.#constants = initializerMap(graph);
    this.initializers = [...graph.initializer, tensorFromInt8s('qdq/zero', [], new Int8Array(1))];
  }

  get count(): number {
    return this.#done.size;
  }

  /** The node with its inputs quantised, behind the pairs that it is the first to need. */
  around(node: NodeProto): NodeProto[] {
    const wanted = quantisedInputs(node, this.#graph, this.#constants).filter((i) =>
      this.#scales.has(node.input[i]!),
    );
    if (wanted.length === 0) return [node];
    const before = wanted.flatMap((i) => this.#pair(node.input[i]!));
    const input = node.input.map((name, i) => (wanted.includes(i) ? `${name}/dequantized` : name));
    const weight = weightOf(node, this.#constants);
    if (weight === undefined) return [...before, copyWith(node, { input })];
    const float = this.#constants.get(node.input[weight]!)!;
    const output = quantisedWeightName(node, float);
    const quantised = copyWith(node, { input: input.map((name, i) => (i === weight ? output : name)) });
    return [...before, ...this.#weight(node, float, output), quantised];
  }

  /** Once for all nodes that read it along the same axis: an unrolled network reads one weight at each step. */
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

/** Float weights that were replaced, and folded batch norms, would only make the file larger. */
const usedBy = (nodes: readonly NodeProto[], { output }: GraphProto): ((tensor: TensorProto) => boolean) => {
  const used = new Set([...nodes.flatMap(readsOf), ...output.map(({ name }) => name)]);
  return ({ name }) => used.has(name);
};
