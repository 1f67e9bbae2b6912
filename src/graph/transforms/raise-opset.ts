/**
 * Converts graphs in normal form from opset 7–12 to 13, the first whose QuantizeLinear has an axis; at most to 16. The
 * change of each operator is in raised-node.ts.
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

/** First opset whose QuantizeLinear and DequantizeLinear take an axis. */
export const quantisableOpset = 13;

/** The IR version released with opset 13. */
const raisedIr = 7n;

/**
 * Converts to opset `wanted`, at most 16; a newer model is returned unchanged.
 * @throws UserError EngineUnsupported naming an operator that has no equivalent at `wanted`
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

/** Branches of If and bodies of Loop and Scan. They read constants of the enclosing graphs too. */
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
