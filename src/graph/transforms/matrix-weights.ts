/**
 * Reshapes weights of matrix products from [1,…,in,out] to [in,out]. The product is the same if the other operand has
 * at least the same rank. Engines accept one scale per column only for a matrix (ONNX Runtime 1.30 refuses higher
 * ranks).
 */
import type { GraphProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, initializerMap } from '../../formats/onnx/graph.ts';
import { findLeastRanks } from './least-ranks.ts';

/** Constants of the graph must be folded. New weights are named `<weight>/matrix`. */
export const flattenMatrixWeights = (graph: GraphProto): GraphProto => {
  const constants = initializerMap(graph);
  const products = graph.node.filter((node) => isStacked(node, constants));
  if (products.length === 0) return graph;
  const ranks = findLeastRanks(graph);
  const matrices = new Map<string, TensorProto>();
  const replaced = new Map<NodeProto, NodeProto>();
  for (const node of products) {
    const weight = constants.get(node.input[1]!)!;
    if ((ranks.get(node.input[0]!) ?? 0) < weight.dims.length) continue;
    const matrix = copyWith(weight, { name: `${weight.name}/matrix`, dims: weight.dims.slice(-2) });
    matrices.set(matrix.name, matrix);
    replaced.set(node, copyWith(node, { input: [node.input[0]!, matrix.name] }));
  }
  return copyWith(graph, {
    node: graph.node.map((node) => replaced.get(node) ?? node),
    initializer: [...graph.initializer, ...matrices.values()],
  });
};

/** Whether the node is a product with a constant right operand whose dimensions before the last two are all 1. */
const isStacked = ({ opType, input }: NodeProto, constants: ReadonlyMap<string, TensorProto>): boolean => {
  const dims = opType === 'MatMul' ? (constants.get(input[1]!)?.dims ?? []) : [];
  return dims.length > 2 && dims.slice(0, -2).every((size) => size === 1n);
};
