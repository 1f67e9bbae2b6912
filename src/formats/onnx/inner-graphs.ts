/** Rewrites of a graph and of the graphs inside its nodes: branches of If, bodies of Loop and Scan. */
import type { AttributeProto, GraphProto, NodeProto } from './generated/onnx_pb.ts';
import { copyWith } from './graph.ts';

/** The node with every graph in its attributes changed; the node itself where no change made a difference. */
export const withInnerGraphs = (node: NodeProto, change: (graph: GraphProto) => GraphProto): NodeProto => {
  const changed = (attribute: AttributeProto): AttributeProto => {
    const g = attribute.g && change(attribute.g);
    const graphs = sameOr(attribute.graphs, change);
    return g === attribute.g && graphs === attribute.graphs
      ? attribute
      : copyWith(attribute, { ...(g && { g }), graphs });
  };
  const attribute = sameOr(node.attribute, changed);
  return attribute === node.attribute ? node : copyWith(node, { attribute });
};

/** Changes a graph after the graphs inside it; the graph itself where no change made a difference. */
export const throughout = (graph: GraphProto, change: (graph: GraphProto) => GraphProto): GraphProto => {
  const node = sameOr(graph.node, (each) => withInnerGraphs(each, (inner) => throughout(inner, change)));
  return change(node === graph.node ? graph : copyWith(graph, { node }));
};

/** Changes every node, those of inner graphs first; the list itself where no change made a difference. */
export const nodesThroughout = (nodes: NodeProto[], change: (node: NodeProto) => NodeProto): NodeProto[] =>
  sameOr(nodes, (each) => {
    const inner = (graph: GraphProto): GraphProto => {
      const node = nodesThroughout(graph.node, change);
      return node === graph.node ? graph : copyWith(graph, { node });
    };
    return change(withInnerGraphs(each, inner));
  });

/** The mapped list, or the list itself where every element stayed the same object. */
export const sameOr = <T>(list: T[], change: (element: T) => T): T[] => {
  const changed = list.map((each) => change(each));
  return changed.every((each, i) => each === list[i]) ? list : changed;
};
