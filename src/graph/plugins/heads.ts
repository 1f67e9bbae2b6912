/**
 * What a detector says before its plugin nodes sort and drop boxes: values that can be compared one by one between two
 * precisions. Anchors are left out, since they are the same in both.
 */
import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';
import { intsOf } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { isPlugin } from './plugin-nodes.ts';

export type WithHeads = {
  /** The model with these tensors among its outputs. */
  readonly model: ModelProto;
  readonly heads: readonly string[];
};

/** The model itself and no heads if it has no plugin nodes. */
export const exposeHeads = (model: ModelProto): WithHeads => {
  const graph = graphOf(model);
  const there = new Set(graph.output.map(({ name }) => name));
  const heads = [...new Set(firstPlugins(graph.node).flatMap(predictionInputs))].filter(
    (name) => !there.has(name),
  );
  if (heads.length === 0) return { model, heads };
  const output = [...graph.output, ...heads.map(makeUntypedValueInfo)];
  return { model: copyWith(model, { graph: copyWith(graph, { output }) }), heads };
};

/** Those that no other one stands before: behind proposals, which are sorted, nothing can be compared one by one. */
const firstPlugins = (nodes: readonly NodeProto[]): NodeProto[] => {
  const behind = new Set<string>();
  return nodes.filter((node) => {
    const isBehind = readsOf(node).some((name) => behind.has(name));
    if (isBehind || isPlugin(node)) for (const name of node.output) behind.add(name);
    return isPlugin(node) && !isBehind;
  });
};

/** Offsets and scores of NMS_TRT stand first in its inputOrder, and its anchors last. */
const predictionInputs = (node: NodeProto): readonly string[] => {
  const order = intsOf(node, 'inputOrder');
  return order ? order.slice(0, 2).flatMap((i) => node.input[i] ?? []) : node.input;
};
