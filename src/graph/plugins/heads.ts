/**
 * The predictions of a detector before its plugin nodes sort and drop boxes. They can be compared element by element
 * between two precisions. Anchors are left out: they do not differ.
 */
import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';
import { intsOf } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { isPlugin } from './plugin-nodes.ts';

/** A model whose predictions are outputs, and their names. */
export type WithHeads = {
  /** The model with these tensors among its outputs. */
  readonly model: ModelProto;
  readonly heads: readonly string[];
};

/** Adds the inputs of the first plugin nodes to the outputs; without plugin nodes, returns the model itself. */
export const exposeHeads = (model: ModelProto): WithHeads => {
  const graph = graphOf(model);
  const outputs = new Set(graph.output.map(({ name }) => name));
  const heads = [...new Set(firstPlugins(graph.node).flatMap(predictionInputs))].filter(
    (name) => !outputs.has(name),
  );
  if (heads.length === 0) return { model, heads };
  const output = [...graph.output, ...heads.map(makeUntypedValueInfo)];
  return { model: copyWith(model, { graph: copyWith(graph, { output }) }), heads };
};

/**
 * Plugin nodes without a plugin node before them. Values computed from sorted proposals cannot be compared by index.
 */
const firstPlugins = (nodes: readonly NodeProto[]): NodeProto[] => {
  const behind = new Set<string>();
  return nodes.filter((node) => {
    const isBehind = readsOf(node).some((name) => behind.has(name));
    if (isBehind || isPlugin(node)) for (const name of node.output) behind.add(name);
    return isPlugin(node) && !isBehind;
  });
};

/** The first two indices in NMS_TRT's inputOrder are offsets and scores, the last is the anchors. */
const predictionInputs = (node: NodeProto): readonly string[] => {
  const order = intsOf(node, 'inputOrder');
  return order ? order.slice(0, 2).flatMap((i) => node.input[i] ?? []) : node.input;
};
