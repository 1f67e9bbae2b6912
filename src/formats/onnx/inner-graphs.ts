/**
 * Rewrites a graph and the graphs inside its nodes: branches of If, bodies of Loop and Scan. An unchanged object is
 * returned as it is.
 */
import type { AttributeProto, GraphProto, NodeProto } from './generated/onnx_pb.ts';
import { copyWith } from './graph.ts';

/** Applies `change` to every graph in the node's attributes; returns the same node if nothing changed. */
export const withInnerGraphs = (node: NodeProto, change: (graph: GraphProto) => GraphProto): NodeProto => {
  const changed = (attribute: AttributeProto): AttributeProto => {
    const g = attribute.g && change(attribute.g);
    const graphs = mapOrSame(attribute.graphs, change);
    return g === attribute.g && graphs === attribute.graphs
      ? attribute
      : copyWith(attribute, { ...(g && { g }), graphs });
  };
  const attribute = mapOrSame(node.attribute, changed);
  return attribute === node.attribute ? node : copyWith(node, { attribute });
};

/** Applies `change` to inner graphs first, then to the graph; returns the same graph if nothing changed. */
export const mapGraphs = (graph: GraphProto, change: (graph: GraphProto) => GraphProto): GraphProto => {
  const node = mapOrSame(graph.node, (each) => withInnerGraphs(each, (inner) => mapGraphs(inner, change)));
  return change(node === graph.node ? graph : copyWith(graph, { node }));
};

/** Applies `change` to every node, inner graphs first; returns the same list if nothing changed. */
export const mapNodes = (nodes: NodeProto[], change: (node: NodeProto) => NodeProto): NodeProto[] =>
  mapOrSame(nodes, (each) => {
    const inner = (graph: GraphProto): GraphProto => {
      const node = mapNodes(graph.node, change);
      return node === graph.node ? graph : copyWith(graph, { node });
    };
    return change(withInnerGraphs(each, inner));
  });

/** Maps a list; returns the same list if every element stayed the same object. */
export const mapOrSame = <T>(list: T[], change: (element: T) => T): T[] => {
  const changed = list.map((each) => change(each));
  return changed.every((each, i) => each === list[i]) ? list : changed;
};
