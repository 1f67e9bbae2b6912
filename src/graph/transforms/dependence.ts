/** Finds the tensors that depend on given tensors. All others are known before any image is read. */
import type { GraphProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { readsOf } from '../../formats/onnx/reads.ts';

/**
 * The given names, and every tensor whose values (not only its shape) depend on them. Nodes must be in topological
 * order.
 */
export const findDependentNames = (graph: GraphProto, given: ReadonlySet<string>): ReadonlySet<string> => {
  const dependent = new Set(given);
  for (const node of graph.node)
    if (dependsOn(node, dependent)) for (const name of node.output) if (name !== '') dependent.add(name);
  return dependent;
};

/** Whether a node computes from the values of one of these tensors. */
export const dependsOn = (node: NodeProto, names: ReadonlySet<string>): boolean =>
  node.opType !== 'Shape' && node.opType !== 'Size' && readsOf(node).some((name) => names.has(name));
