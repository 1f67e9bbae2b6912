/** Folds a BatchNormalization after a convolution into the convolution's weights, so that one scale covers both. */

import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, initializerMap } from '../../formats/onnx/graph.ts';
import { floatOf, intOf } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { floatsOf, tensorFromFloats } from '../../formats/onnx/tensor.ts';

type ConvNormPair = { readonly conv: NodeProto; readonly norm: NodeProto };

/**
 * Folds each Conv + BatchNormalization pair. Constants of the graph must be folded. A pair is left unchanged if the
 * tensor between has other readers, or if the norm uses the statistics of the batch.
 */
export const foldBatchNorms = (graph: GraphProto): GraphProto => {
  const constants = initializerMap(graph);
  const pairs = pairsOf(graph, constants);
  if (pairs.length === 0) return graph;
  const replaced = new Map<NodeProto, NodeProto | undefined>();
  const added: TensorProto[] = [];
  for (const { conv, norm } of pairs) {
    const { node, tensors } = foldPair({ conv, norm }, constants);
    replaced.set(conv, node).set(norm, undefined);
    added.push(...tensors);
  }
  return copyWith(graph, {
    node: graph.node.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : node)),
    initializer: [...graph.initializer, ...added],
  });
};

const pairsOf = (graph: GraphProto, constants: ReadonlyMap<string, TensorProto>): readonly ConvNormPair[] => {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const uses = new Map<string, number>();
  const use = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of graph.node) readsOf(node).forEach(use);
  for (const { name } of graph.output) use(name);
  return graph.node.flatMap((norm) => {
    const conv = isFixedNorm(norm) ? producers.get(norm.input[0]!) : undefined;
    if (conv?.opType !== 'Conv' || uses.get(norm.input[0]!) !== 1) return [];
    const parameters = [...conv.input.slice(1), ...norm.input.slice(1)];
    return parameters.every((name) => constants.get(name)?.dataType === elementType.float32)
      ? [{ conv, norm }]
      : [];
  });
};

/**
 * Whether the norm uses the statistics stored in the graph. With `training_mode`, or with the extra outputs of training
 * (before opset 14 the only sign), it uses those of the batch.
 */
export const isFixedNorm = (node: NodeProto): boolean =>
  node.opType === 'BatchNormalization' &&
  intOf(node, 'training_mode', 0) === 0 &&
  node.output.slice(1).every((name) => name === '');

/** w' = w·γ/√(σ²+ε), b' = (b − μ)·γ/√(σ²+ε) + β, per output channel (S. Ioffe, C. Szegedy, arXiv 1502.03167). */
const foldPair = ({ conv, norm }: ConvNormPair, constants: ReadonlyMap<string, TensorProto>) => {
  const floats = (name: string) => floatsOf(constants.get(name)!);
  const [, gamma, beta, mean, variance] = norm.input.map((name, i) =>
    i === 0 ? new Float32Array() : floats(name),
  );
  const epsilon = floatOf(norm, 'epsilon', 1e-5);
  const factor = Float64Array.from(gamma!, (value, c) => value / Math.sqrt(variance![c]! + epsilon));
  const weight = constants.get(conv.input[1]!)!;
  const dims = weight.dims.map(Number);
  const perChannel = floatsOf(weight).length / dims[0]!;
  const weights = floatsOf(weight).map((value, i) => value * factor[Math.floor(i / perChannel)]!);
  const bias = conv.input[2] === undefined ? new Float32Array(dims[0]!) : floats(conv.input[2]);
  const biases = bias.map((value, c) => (value - mean![c]!) * factor[c]! + beta![c]!);
  const output = norm.output[0]!;
  const tensors = [
    tensorFromFloats(`${output}/weight`, dims, weights),
    tensorFromFloats(`${output}/bias`, [biases.length], biases),
  ];
  const input = [conv.input[0]!, tensors[0]!.name, tensors[1]!.name];
  return { node: copyWith(conv, { input, output: [output] }), tensors };
};
