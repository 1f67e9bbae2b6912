/**
 * The part of a graph that can run to measure its tensors. A plugin node at the end is cut off: its outputs have no
 * scale. A plugin node in the middle (faster_rcnn's proposals) is lowered, because the tensors after it are measured.
 */
import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { canLower, lowerPlugins } from './lower.ts';
import { isPlugin, removeNodes } from './plugin-nodes.ts';

/** The measurable part of a graph in two forms. */
export type Measurable = {
  /** The graph with the names that engines use, without the cut-off nodes. */
  readonly named: ModelProto;
  /** The same graph in ONNX operators, ready to run. */
  readonly running: ModelProto;
};

/**
 * Constants must be folded. @throws UserError ModelInvalid, EngineUnsupported for attributes that only TensorRT
 * supports
 */
export const makeMeasurable = (model: ModelProto): Measurable => {
  const graph = graphOf(model);
  const read = new Set(graph.node.flatMap(readsOf));
  const isEnd = ({ output }: NodeProto): boolean => !output.some((name) => read.has(name));
  const isCut = (node: NodeProto): boolean => isPlugin(node) && (isEnd(node) || !canLower(node));
  const named = copyWith(model, { graph: removeNodes(graph, isCut) });
  return { named, running: lowerPlugins(named, 'NonMaxSuppression') };
};
