/**
 * What of a graph can be run to measure its tensors. A plugin node that only ends the graph is cut off: what it makes has
 * no scale. One in the middle (faster_rcnn's proposals) is replaced, since what lies behind it is to be measured.
 */
import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { canLower, lowerPlugins } from './lower.ts';
import { isPlugin, removeNodes } from './plugin-nodes.ts';

export type Measurable = {
  /** The graph under the names that engines know, without what was cut off. */
  readonly named: ModelProto;
  /** The same in ONNX operators: it runs. */
  readonly running: ModelProto;
};

/** Constants must be folded. @throws UserError ModelInvalid, EngineUnsupported for attributes that only TensorRT knows */
export const makeMeasurable = (model: ModelProto): Measurable => {
  const graph = graphOf(model);
  const read = new Set(graph.node.flatMap(readsOf));
  const isEnd = ({ output }: NodeProto): boolean => !output.some((name) => read.has(name));
  const isCut = (node: NodeProto): boolean => isPlugin(node) && (isEnd(node) || !canLower(node));
  const named = copyWith(model, { graph: removeNodes(graph, isCut) });
  return { named, running: lowerPlugins(named, 'NonMaxSuppression') };
};
