/**
 * BatchedNMSDynamic_TRT, the last node of yolo, in ONNX operators. Outputs: count [N,1] int32, boxes [N,K,4], scores
 * [N,K], classes [N,K]; rows beyond the count have class −1 and zeros. TensorRT, plugin/batchedNMSPlugin.
 */
import type { NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { floatOf, intOf } from '../../formats/onnx/node.ts';
import { addClassNms } from './class-nms.ts';
import { candidatesOf, countOf, flagOf, inputsOfPlugin, unsupportedPlugin } from './parameters.ts';
import { Subgraph } from './subgraph.ts';
import type { Suppression } from './suppression.ts';

/** Replaces the plugin node; the outputs keep their names. @throws UserError ModelInvalid, EngineUnsupported */
export const lowerBatchedNms = (node: NodeProto, suppression: Suppression): Subgraph => {
  if (!flagOf(node, 'isNormalized', true))
    throw unsupportedPlugin(node, 'its boxes are in pixels (isNormalized 0)');
  const [boxes, scores] = inputsOfPlugin(node, 2) as [string, string];
  const graph = new Subgraph(`${node.output[0]}/plugin`);
  const classes = countOf(node, 'numClasses');
  const found = addClassNms(graph, {
    boxes: graph.transpose(boxes, 0, 2, 1, 3),
    scores: graph.transpose(graph.reshape(scores, 0, -1, classes), 0, 2, 1),
    classes,
    background: intOf(node, 'backgroundLabelId', -1),
    boxForEachClass: !flagOf(node, 'shareLocation', true),
    threshold: floatOf(node, 'scoreThreshold', 0),
    iou: floatOf(node, 'iouThreshold', 0),
    topK: candidatesOf(node, 'topK'),
    keepTopK: candidatesOf(node, 'keepTopK'),
    suppression,
  });
  const isClipped = flagOf(node, 'clipBoxes', true);
  const clipped = isClipped ? graph.node('Clip', [found.boxes, graph.float(0), graph.float(1)]) : found.boxes;
  for (const [i, made] of [found.count, clipped, found.scores, found.labels].entries())
    if (node.output[i]) graph.finish(made, node.output[i]);
  return graph;
};
