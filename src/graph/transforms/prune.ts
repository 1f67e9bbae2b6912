/** Finds what is constant in a graph, and removes what no output needs. */
import type { GraphProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';

/** Names of initializers, and of outputs of nodes that read only constants. Nodes must be in topological order. */
export const findConstantNames = (graph: GraphProto): ReadonlySet<string> => {
  const constant = new Set(graph.initializer.map(({ name }) => name));
  for (const node of graph.node) {
    const read = readsOf(node);
    if (read.length > 0 && read.every((name) => constant.has(name)))
      for (const name of node.output) constant.add(name);
  }
  return constant;
};

/** The graph without nodes, initializers and value infos that no output needs. Graph inputs stay. */
export const pruneGraph = (graph: GraphProto): GraphProto => {
  const used = new Set(graph.output.map(({ name }) => name));
  const kept: NodeProto[] = [];
  for (const node of graph.node.toReversed()) {
    if (!node.output.some((name) => used.has(name))) continue;
    kept.push(node);
    for (const name of readsOf(node)) used.add(name);
  }
  const filled = new Set(graph.initializer.map(({ name }) => name));
  return copyWith(graph, {
    node: kept.reverse(),
    initializer: graph.initializer.filter(({ name }) => used.has(name)),
    // Before IR 4 initializers are listed as inputs too: a removed one must not become an input.
    input: graph.input.filter(({ name }) => used.has(name) || !filled.has(name)),
    valueInfo: graph.valueInfo.filter(({ name }) => used.has(name)),
  });
};
