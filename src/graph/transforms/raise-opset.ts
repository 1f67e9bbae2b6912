/**
 * Graphs of opset 7 to 12 in normal form as opset 13, where QuantizeLinear has an axis; 16 at most. What each operator
 * needs is in raised-node.ts.
 */

import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
} from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, initializerMap, opsetOf, shapeOf } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { type NodeContext, type Raise, raiseNode } from './raised-node.ts';

export const quantisableOpset = 13;

/** The IR version that came with opset 13. */
const raisedIr = 7n;

/**
 * `wanted` is at most 16.
 * @throws UserError EngineUnsupported naming an operator that has no equal at `wanted`
 */
export const raiseOpset = (model: ModelProto, wanted = quantisableOpset): ModelProto => {
  const from = opsetOf(model);
  if (from >= wanted) return model;
  const graph = raiseGraph(graphOf(model), { from, wanted });
  const irVersion = model.irVersion < raisedIr ? raisedIr : model.irVersion;
  return copyWith(withOpset(model, wanted), { graph, irVersion });
};

const withOpset = (model: ModelProto, version: number): ModelProto =>
  copyWith(model, {
    opsetImport: model.opsetImport.map((entry) =>
      entry.domain === '' ? copyWith(entry, { version: BigInt(version) }) : entry,
    ),
  });

const raiseGraph = (graph: GraphProto, raise: Raise, outer?: NodeContext): GraphProto => {
  const context = contextOf(graph, outer);
  const replacements = graph.node.map((node) => raiseNode(raiseBodies(node, raise, context), raise, context));
  return copyWith(graph, {
    node: replacements.flatMap(({ nodes }) => nodes),
    initializer: [...graph.initializer, ...replacements.flatMap(({ tensors }) => tensors)],
  });
};

/** Branches of If, bodies of Loop and Scan: they read constants of the graph around them as well. */
const raiseBodies = (node: NodeProto, raise: Raise, outer: NodeContext): NodeProto => {
  const body = (attribute: AttributeProto): AttributeProto =>
    attribute.g ? copyWith(attribute, { g: raiseGraph(attribute.g, raise, outer) }) : attribute;
  return copyWith(node, { attribute: node.attribute.map(body) });
};

const contextOf = (graph: GraphProto, outer?: NodeContext): NodeContext => {
  const stated = [...graph.valueInfo, ...graph.input, ...graph.output];
  const ranks = stated.map((value) => [value.name, shapeOf(value)?.length] as const);
  return {
    ranks: new Map([...(outer?.ranks ?? []), ...ranks]),
    read: new Set([...graph.node.flatMap(readsOf), ...graph.output.map(({ name }) => name)]),
    constants: new Map([...(outer?.constants ?? []), ...initializerMap(graph)]),
  };
};
