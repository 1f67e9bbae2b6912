/**
 * TensorRT's plugin nodes in an ONNX graph. They belong to no ONNX operator set; TensorRT's parser looks them up by
 * name in its plugin registry. Exporters leave their domain empty.
 */
import type { GraphProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';

/** Plugins of the seven modules whose names do not end in `_TRT`. */
const unmarked: ReadonlySet<string> = new Set([
  'Proposal',
  'ProposalDynamic',
  'CropAndResize',
  'CropAndResizeDynamic',
]);

/** Whether the node is a TensorRT plugin. */
export const isPlugin = ({ opType, domain }: NodeProto): boolean =>
  domain === '' && (opType.endsWith('_TRT') || unmarked.has(opType));

/** The graph without the matching nodes and everything that depends on them, outputs included. */
export const removeNodes = (graph: GraphProto, isCut: (node: NodeProto) => boolean): GraphProto => {
  const lost = new Set<string>();
  const node = graph.node.filter((each) => {
    const stays = !isCut(each) && !readsOf(each).some((name) => lost.has(name));
    if (!stays) for (const name of each.output) lost.add(name);
    return stays;
  });
  if (lost.size === 0) return graph;
  return copyWith(graph, { node, output: graph.output.filter(({ name }) => !lost.has(name)) });
};
