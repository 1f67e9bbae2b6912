/**
 * Non-maximum suppression as in NMS_TRT and BatchedNMS_TRT, in ONNX operators: per class the topK best scores above the
 * threshold, without boxes that a better one overlaps; then the keepTopK best of all classes. TensorRT,
 * plugin/common/kernels: sortScoresPerClass, allClassNMS, sortScoresPerImage. On equal scores the lower index wins.
 */
import type { Subgraph } from './subgraph.ts';
import { addSuppression, type Suppression } from './suppression.ts';

/** Inputs and parameters of the suppression, for P boxes per image. */
export type ClassNms = {
  /** [N, C or 1, P, 4]: two corners in either order; one box for all classes, or one per class. */
  readonly boxes: string;
  /** [N, C, P] */
  readonly scores: string;
  readonly classes: number;
  /** A class that is never reported; no class if outside 0…C−1. */
  readonly background: number;
  readonly boxForEachClass: boolean;
  /** Minimum score, exclusive. */
  readonly threshold: number;
  /** Boxes whose overlap (IoU) with a better box exceeds it are dropped. */
  readonly iou: number;
  readonly topK: number;
  readonly keepTopK: number;
  readonly suppression: Suppression;
};

/** Best first; rows beyond the count have label −1 and zeros. K = keepTopK. */
export type Detections = {
  /** [N,1] int32 */
  readonly count: string;
  /** [N,K] */
  readonly labels: string;
  /** [N,K] */
  readonly scores: string;
  /** [N,K,4] */
  readonly boxes: string;
};

/** Score of an excluded box: below every threshold, and finite, so that arithmetic with it stays finite. */
const excludedScore = -3e38;

/** Adds the suppression to the graph. */
export const addClassNms = (graph: Subgraph, nms: ClassNms): Detections => {
  const candidates = selectPerClass(graph, nms);
  return selectOverall(graph, suppressOverlaps(graph, candidates, nms), { ...nms, boxes: candidates.boxes });
};

type Candidates = {
  /** [N,C,topK], best first. */
  readonly scores: string;
  /** [N, C × topK, 4] */
  readonly boxes: string;
};

/** Pads the scores first, so that there are topK whatever the number of boxes is. */
const selectPerClass = (graph: Subgraph, nms: ClassNms): Candidates => {
  const { threshold, topK, boxForEachClass, boxes } = nms;
  const scores = withoutBackground(graph, nms);
  const above = graph.node('Greater', [scores, graph.float(threshold)]);
  const running = graph.node('Where', [above, scores, graph.float(excludedScore)]);
  const padded = graph.node('Pad', [running, graph.ints(0, 0, 0, 0, 0, topK), graph.float(excludedScore)]);
  const [best, places] = graph.topK(padded, topK, 2);
  const last = graph.node('Sub', [graph.sizeOf(scores, 2), graph.ints(1)]);
  const inside = graph.node('Min', [places, last]);
  const picked = boxForEachClass
    ? graph.pickRows(boxes, inside, 2)
    : graph.pickRows(graph.reshape(boxes, 0, -1, 4), graph.reshape(inside, 0, -1), 1);
  return { scores: best, boxes: boxForEachClass ? graph.reshape(picked, 0, -1, 4) : picked };
};

const withoutBackground = (graph: Subgraph, { scores, classes, background }: ClassNms): string => {
  if (background < 0 || background >= classes) return scores;
  const penalty = Array.from({ length: classes }, (_, label) => (label === background ? excludedScore : 0));
  return graph.node('Add', [scores, graph.floats(penalty, [1, classes, 1])]);
};

/** Scores [N, C × topK], with suppressed boxes set to `excludedScore`. */
const suppressOverlaps = (graph: Subgraph, { scores, boxes }: Candidates, nms: ClassNms): string => {
  const { topK, threshold, iou, classes, suppression } = nms;
  const rows = graph.reshape(scores, -1, topK);
  const each = { boxes: graph.reshape(boxes, -1, topK, 4), scores: rows, threshold, length: topK, iou };
  const stays = addSuppression(graph, each, suppression);
  return graph.reshape(graph.node('Where', [stays, rows, graph.float(excludedScore)]), -1, classes * topK);
};

const selectOverall = (graph: Subgraph, scores: string, nms: ClassNms): Detections => {
  const { topK, keepTopK, classes, threshold, boxes } = nms;
  const padded = graph.node('Pad', [scores, graph.ints(0, 0, 0, keepTopK), graph.float(excludedScore)]);
  const [best, places] = graph.topK(padded, keepTopK, 1);
  const isFound = graph.node('Greater', [best, graph.float(threshold)]);
  const label = graph.toFloat(graph.node('Div', [places, graph.int(topK)]));
  const inside = graph.node('Min', [places, graph.int(classes * topK - 1)]);
  const picked = graph.pickRows(boxes, inside, 1);
  const isRow = graph.node('Unsqueeze', [isFound, graph.ints(2)]);
  return {
    count: graph.node('ReduceSum', [graph.toInt32(isFound), graph.ints(1)]),
    labels: graph.node('Where', [isFound, label, graph.float(-1)]),
    scores: graph.node('Where', [isFound, best, graph.float(0)]),
    boxes: graph.node('Where', [isRow, picked, graph.float(0)]),
  };
};
