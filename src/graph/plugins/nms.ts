/**
 * NMSDynamic_TRT, the last node of ssd, dssd, retinanet and faster_rcnn, in ONNX operators. Outputs: rows
 * [N,1,keepTopK,7] of image, label, score, left, top, right, bottom (clipped to 0…1); and the count [N,1,1,1]. The
 * plugin writes the count as int32 into a tensor declared as float; here it is int32, the same bytes. TensorRT,
 * plugin/nmsPlugin.
 */
import type { NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { floatOf, intOf, intsOf } from '../../formats/onnx/node.ts';
import { addClassNms } from './class-nms.ts';
import { codeTypes, decodeBoxes } from './decode-boxes.ts';
import { candidatesOf, countOf, flagOf, inputsOfPlugin, unsupportedPlugin } from './parameters.ts';
import { Subgraph } from './subgraph.ts';
import type { Suppression } from './suppression.ts';

/** Replaces the plugin node; the outputs keep their names. @throws UserError ModelInvalid, EngineUnsupported */
export const lowerNms = (node: NodeProto, suppression: Suppression): Subgraph => {
  if (!flagOf(node, 'isNormalized', true))
    throw unsupportedPlugin(node, 'its boxes are in pixels (isNormalized 0)');
  const graph = new Subgraph(`${node.output[0]}/plugin`);
  const keepTopK = candidatesOf(node, 'keepTopK');
  const { count, labels, scores, boxes } = addClassNms(graph, {
    ...candidates(graph, node),
    classes: countOf(node, 'numClasses'),
    background: intOf(node, 'backgroundLabelId', 0),
    boxForEachClass: !flagOf(node, 'shareLocation', true),
    threshold: floatOf(node, 'confidenceThreshold', 0),
    iou: floatOf(node, 'nmsThreshold', 0),
    topK: candidatesOf(node, 'topK'),
    keepTopK,
    suppression,
  });
  const clipped = graph.node('Clip', [boxes, graph.float(0), graph.float(1)]);
  const column = (values: string) => graph.reshape(values, 0, keepTopK, 1);
  const rows = graph.concat([imageIndices(graph, labels), column(labels), column(scores), clipped], 2);
  graph.finish(graph.reshape(rows, 0, 1, keepTopK, 7), node.output[0]!);
  if (node.output[1]) graph.finish(graph.reshape(count, 0, 1, 1, 1), node.output[1]);
  return graph;
};

/** Boxes [N, C or 1, P, 4] and scores [N,C,P] from inputs with one row per image. */
const candidates = (graph: Subgraph, node: NodeProto) => {
  const inputs = inputsOfPlugin(node, 3);
  const [loc, conf, prior] = (intsOf(node, 'inputOrder') ?? [0, 1, 2]).map((index) => inputs[index]!);
  const classes = countOf(node, 'numClasses');
  const codeType = codeTypes[intOf(node, 'codeType', 1)];
  if (!loc || !conf || !prior || !codeType)
    throw unsupportedPlugin(node, 'its inputOrder or codeType is unknown');
  const isOne = flagOf(node, 'shareLocation', true);
  const priors = graph.reshape(prior, 0, 2, -1, 4);
  const encodedInTarget = flagOf(node, 'varianceEncodedInTarget', false) && codeType !== 'TensorFlowCentre';
  const boxes = decodeBoxes(graph, {
    offsets: graph.transpose(graph.reshape(loc, 0, -1, isOne ? 1 : classes, 4), 0, 2, 1, 3),
    anchors: graph.slice(priors, 1, [0, 1]),
    variances: encodedInTarget ? undefined : graph.slice(priors, 1, [1, 2]),
    codeType,
  });
  const raw = graph.transpose(graph.reshape(conf, 0, -1, classes), 0, 2, 1);
  const scores = flagOf(node, 'confSigmoid', false) ? graph.node('Sigmoid', [raw]) : raw;
  return { boxes, scores };
};

/** [N,K,1]: index of each row's image in the batch. `like` is [N,K]. */
const imageIndices = (graph: Subgraph, like: string): string => {
  const images = graph.node('Squeeze', [graph.sizeOf(like, 0), graph.ints(0)]);
  const range = graph.toFloat(graph.node('Range', [graph.int(0), images, graph.int(1)]));
  const shape = graph.concat([graph.node('Shape', [like]), graph.ints(1)], 0);
  return graph.node('Expand', [graph.reshape(range, -1, 1, 1), shape]);
};
