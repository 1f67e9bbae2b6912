/**
 * Greedy non-maximum suppression over rows of boxes sorted best first: a box stays unless a better remaining box
 * overlaps it by more than the limit. Overlap is intersection over union; corners may be in any order.
 *
 * There are two implementations. `NonMaxSuppression` is the ONNX operator, fast in ONNX Runtime; TensorRT for RTX
 * parses it but has no kernel for it. For that backend a `Loop` of matrix products is used: it starts with all boxes,
 * and each round removes every box that a better remaining box overlaps. After k rounds the first k boxes are final;
 * usually the loop ends after a few rounds.
 */

import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { makeGraph, makeValueInfo } from '../../formats/onnx/graph.ts';
import type { PluginNodes } from '../../ground/contract/backends.ts';
import { Subgraph } from './subgraph.ts';

/** How suppression is written: by the NonMaxSuppression operator, or by a Loop. */
export type Suppression = Exclude<PluginNodes, 'Kept'>;

/** R rows of T boxes. */
export type BoxRows = {
  /** [R,T,4] */
  readonly boxes: string;
  /** [R,T], descending. */
  readonly scores: string;
  /** Boxes with scores up to it are unspecified in the result. */
  readonly threshold: number;
  /** T */
  readonly length: number;
  readonly iou: number;
};

/** Adds the suppression; returns [R,T] bool, true for boxes that stay. */
export const addSuppression = (graph: Subgraph, rows: BoxRows, how: Suppression): string =>
  how === 'Loop' ? suppressByLoop(graph, rows) : suppressByOperator(graph, rows);

const suppressByOperator = (graph: Subgraph, { boxes, scores, threshold, length, iou }: BoxRows): string => {
  const kept = graph.node('NonMaxSuppression', [
    boxes,
    graph.reshape(scores, -1, 1, length),
    graph.ints(length),
    graph.floats([iou]),
    graph.floats([threshold]),
  ]);
  const places = graph.node('Gather', [kept, graph.ints(0, 2)], { axis: { int: 1 } });
  const ones = graph.node('Expand', [graph.floats([1]), graph.sizeOf(kept, 0)]);
  const none = graph.node('Mul', [scores, graph.float(0)]);
  return graph.node('Greater', [graph.node('ScatterND', [none, places, ones]), graph.float(0.5)]);
};

const suppressByLoop = (graph: Subgraph, rows: BoxRows): string => {
  const hits = findOverlaps(graph, rows);
  const all = graph.node('Add', [
    graph.node('Mul', [graph.reshape(rows.scores, -1, 1, rows.length), graph.float(0)]),
    graph.float(1),
  ]);
  const body = { graph: loopBody(graph, hits, rows.length) };
  const stays = graph.node('Loop', [graph.int(rows.length), '', all], { body });
  return graph.node('Greater', [graph.reshape(stays, -1, rows.length), graph.float(0.5)]);
};

/** One round. The loop continues while a box changes state. */
const loopBody = (graph: Subgraph, hits: string, length: number): GraphProto => {
  const half = graph.float(0.5);
  const round = new Subgraph(graph.name('round'));
  const [index, running, stays] = [round.name('index'), round.name('goes'), round.name('stays')];
  const hit = round.node('MatMul', [stays, hits]);
  const next = round.toFloat(round.node('Less', [hit, half]));
  const change = round.node('Abs', [round.node('Sub', [next, stays])]);
  const most = round.node('ReduceMax', [change], { keepdims: { int: 0 } });
  const continues = round.node('Greater', [most, half]);
  const flags = (name: string) => makeValueInfo(name, elementType.float32, [undefined, 1, length]);
  const truth = (name: string) => makeValueInfo(name, elementType.bool, []);
  return makeGraph({
    name: graph.name('body'),
    inputs: [makeValueInfo(index, elementType.int64, []), truth(running), flags(stays)],
    nodes: round.nodes,
    outputs: [truth(continues), flags(next)],
  });
};

/** [R,T,T]: 1 where the row's box is better than the column's and overlaps it too much. */
const findOverlaps = (graph: Subgraph, { boxes, length, iou }: BoxRows): string => {
  const [first, second] = [graph.slice(boxes, 2, [0, 2]), graph.slice(boxes, 2, [2, 4])];
  const low = graph.node('Min', [first, second]);
  const high = graph.node('Max', [first, second]);
  const sides = graph.node('Sub', [high, low]);
  const area = graph.node('Mul', [graph.slice(sides, 2, [0, 1]), graph.slice(sides, 2, [1, 2])]);
  const shared = graph.node(
    'Mul',
    [0, 1].map((axis) => sharedSide(graph, { low, high }, axis)),
  );
  const both = graph.node('Add', [area, graph.transpose(area, 0, 2, 1)]);
  const overlap = graph.node('Div', [shared, graph.node('Sub', [both, shared])]);
  const ranks = Array.from({ length }, (_, i) => i);
  const better = graph.node('Less', [
    graph.floats(ranks, [1, length, 1]),
    graph.floats(ranks, [1, 1, length]),
  ]);
  const isTooMuch = graph.node('Greater', [overlap, graph.float(iou)]);
  return graph.toFloat(graph.node('And', [isTooMuch, better]));
};

/** [R,T,T]: length of the overlap of any two boxes along x or y. */
const sharedSide = (
  graph: Subgraph,
  { low, high }: { readonly low: string; readonly high: string },
  axis: number,
): string => {
  const [from, to] = [low, high].map((corner) => graph.slice(corner, 2, [axis, axis + 1])) as [
    string,
    string,
  ];
  const start = graph.node('Max', [from, graph.transpose(from, 0, 2, 1)]);
  const end = graph.node('Min', [to, graph.transpose(to, 0, 2, 1)]);
  return graph.node('Max', [graph.node('Sub', [end, start]), graph.float(0)]);
};
