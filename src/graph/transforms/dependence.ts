/** Which tensors of a graph follow from given ones: what is left is known before any image comes. */
import type { GraphProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { readsOf } from '../../formats/onnx/reads.ts';

/** The given names, and every tensor whose values (not its shape alone) follow from theirs. */
export const findDependentNames = (graph: GraphProto, given: ReadonlySet<string>): ReadonlySet<string> => {
  const dependent = new Set(given);
  for (const node of graph.node)
    if (dependsOn(node, dependent)) for (const name of node.output) if (name !== '') dependent.add(name);
  return dependent;
};

/** Whether a node computes from the values of one of these tensors. */
export const dependsOn = (node: NodeProto, names: ReadonlySet<string>): boolean =>
  node.opType !== 'Shape' && node.opType !== 'Size' && readsOf(node).some((name) => names.has(name));
