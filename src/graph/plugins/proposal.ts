/**
 * ProposalDynamic, between the two stages of faster_rcnn, in ONNX operators: the best boxes of the region proposal
 * network as regions [N, post_nms_top_n, 4, 1] of y1, x1, y2, x2 in 0…1; unused rows are zeros. TensorRT,
 * plugin/common/kernels/proposalKernel.cu.
 */
import type { NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { attributeOf, floatOf } from '../../formats/onnx/node.ts';
import { countOf, inputsOfPlugin, unsupportedPlugin } from './parameters.ts';
import { Subgraph } from './subgraph.ts';
import { addSuppression, type Suppression } from './suppression.ts';

/** Largest K of TensorRT's TopK. */
const mostSorted = 3840;

type Boxes = {
  /** [N,R,4]: left, top, right, bottom in pixels. */
  readonly boxes: string;
  /** [N,R] */
  readonly scores: string;
};

/** Replaces the plugin node; the output keeps its name. @throws UserError ModelInvalid, EngineUnsupported */
export const lowerProposal = (node: NodeProto, suppression: Suppression): Subgraph => {
  const candidates = countOf(node, 'pre_nms_top_n');
  if (suppression === 'Loop' && candidates > mostSorted)
    throw unsupportedPlugin(
      node,
      `its pre_nms_top_n is ${candidates}, and TensorRT for RTX sorts at most ${mostSorted}`,
    );
  const graph = new Subgraph(`${node.output[0]}/plugin`);
  const best = selectBest(graph, decodeProposals(graph, node), candidates);
  const kept = suppressBoxes(graph, best, { node, suppression });
  graph.finish(normaliseBoxes(graph, kept, node), node.output[0]!);
  return graph;
};

/** Decodes boxes from the anchors and clips them to the image. Boxes below roi_min_size get the lowest score. */
const decodeProposals = (graph: Subgraph, node: NodeProto): Boxes => {
  const [probabilities, regress] = inputsOfPlugin(node, 2) as [string, string];
  const sides = anchorSides(node);
  const anchors = graph.floats(sides.flat(), [1, sides.length, 1, 1, 2]);
  const map = graph.node('Shape', [probabilities]);
  const grid = graph.concat([graph.ints(0, sides.length, 4), graph.slice(map, 0, [2, 4])], 0);
  const offsets = graph.transpose(graph.node('Reshape', [regress, grid]), 0, 1, 3, 4, 2);
  const moved = graph.node('Mul', [anchors, graph.slice(offsets, 4, [0, 2])]);
  const middle = graph.node('Add', [anchorMiddles(graph, map, countOf(node, 'rpn_stride')), moved]);
  const size = graph.node('Mul', [graph.node('Exp', [graph.slice(offsets, 4, [2, 4])]), anchors]);
  const low = graph.node('Sub', [middle, graph.node('Div', [size, graph.float(2)])]);
  const boxes = clipToImage(graph, graph.concat([low, graph.node('Add', [low, size])], 4), node);
  return demoteSmall(graph, { boxes, scores: graph.reshape(probabilities, 0, -1) }, node);
};

/** Width and height of each anchor, ratios innermost. */
const anchorSides = (node: NodeProto): number[][] => {
  const floats = (name: string) => attributeOf(node, name)?.floats ?? [];
  const [sizes, ratios] = [floats('anchor_sizes'), floats('anchor_ratios')];
  if (sizes.length === 0 || ratios.length === 0 || sizes.length * ratios.length > mostSorted)
    throw unsupportedPlugin(node, `it has ${sizes.length} anchor sizes and ${ratios.length} ratios`);
  const roots = ratios.map((ratio) => Math.fround(Math.sqrt(ratio)));
  return sizes.flatMap((size) => roots.map((root) => [size * root, size / root]));
};

/** [1,1,H,W,2]: x and y of the centre of each cell. */
const anchorMiddles = (graph: Subgraph, map: string, stride: number): string => {
  const along = (axis: number): string => {
    const size = graph.node('Squeeze', [graph.slice(map, 0, [axis, axis + 1]), graph.ints(0)]);
    const cells = graph.toFloat(graph.node('Range', [graph.int(0), size, graph.int(1)]));
    return graph.node('Mul', [graph.node('Add', [cells, graph.float(0.5)]), graph.float(stride)]);
  };
  const cells = graph.concat([graph.ints(1, 1), graph.slice(map, 0, [2, 4]), graph.ints(1)], 0);
  const spread = (values: string): string => graph.node('Expand', [values, cells]);
  return graph.concat(
    [spread(graph.reshape(along(3), 1, 1, 1, -1, 1)), spread(graph.reshape(along(2), 1, 1, -1, 1, 1))],
    4,
  );
};

/** [N,R,4], each corner inside the image. */
const clipToImage = (graph: Subgraph, boxes: string, node: NodeProto): string => {
  const far = (name: string) => countOf(node, name) - 1;
  const [right, bottom] = [far('input_width'), far('input_height')];
  const inside = graph.node('Max', [graph.reshape(boxes, 0, -1, 4), graph.float(0)]);
  return graph.node('Min', [inside, graph.floats([right, bottom, right, bottom])]);
};

/** Any finite number below every probability. */
const lowestScore = -3e38;

const demoteSmall = (graph: Subgraph, { boxes, scores }: Boxes, node: NodeProto): Boxes => {
  const sides = graph.node('Sub', [graph.slice(boxes, 2, [2, 4]), graph.slice(boxes, 2, [0, 2])]);
  const least = graph.node('ReduceMin', [sides], { axes: { ints: [2] }, keepdims: { int: 0 } });
  const isLarge = graph.node('Greater', [least, graph.float(floatOf(node, 'roi_min_size', 1))]);
  return { boxes, scores: graph.node('Where', [isLarge, scores, graph.float(lowestScore)]) };
};

type Best = {
  /** [N,T,4], best first. */
  readonly boxes: string;
  /** [N,T] bool: false for padding rows. */
  readonly isReal: string;
  /** T */
  readonly length: number;
};

const selectBest = (graph: Subgraph, { boxes, scores }: Boxes, length: number): Best => {
  const padded = graph.node('Pad', [scores, graph.ints(0, 0, 0, length), graph.float(lowestScore)]);
  const [, places] = graph.topK(padded, length, 1);
  const count = graph.sizeOf(scores, 1);
  const inside = graph.node('Min', [places, graph.node('Sub', [count, graph.ints(1)])]);
  return {
    boxes: graph.pickRows(boxes, inside, 1),
    isReal: graph.node('Less', [places, count]),
    length,
  };
};

/**
 * [N, post_nms_top_n, 4] in pixels. The plugin counts both border pixels in overlaps, so boxes are enlarged by one
 * pixel.
 */
const suppressBoxes = (
  graph: Subgraph,
  { boxes, isReal, length }: Best,
  { node, suppression }: { readonly node: NodeProto; readonly suppression: Suppression },
): string => {
  const count = countOf(node, 'post_nms_top_n');
  const falling = Array.from({ length }, (_, i) => length - i);
  const ranks = graph.node('Where', [isReal, graph.floats(falling, [1, length]), graph.float(0)]);
  const pixels = graph.node('Add', [boxes, graph.floats([0, 0, 1, 1])]);
  const iou = floatOf(node, 'nms_iou_threshold', 0.7);
  const stays = addSuppression(
    graph,
    { boxes: pixels, scores: ranks, threshold: 0, length, iou },
    suppression,
  );
  const left = graph.node('Where', [stays, ranks, graph.float(0)]);
  const padded = graph.node('Pad', [left, graph.ints(0, 0, 0, count), graph.float(0)]);
  const [best, places] = graph.topK(padded, count, 1);
  const picked = graph.pickRows(boxes, graph.node('Min', [places, graph.int(length - 1)]), 1);
  const isFound = graph.node('Unsqueeze', [graph.node('Greater', [best, graph.float(0)]), graph.ints(2)]);
  return graph.node('Where', [isFound, picked, graph.float(0)]);
};

const normaliseBoxes = (graph: Subgraph, boxes: string, node: NodeProto): string => {
  const [bottom, right] = [countOf(node, 'input_height') - 1, countOf(node, 'input_width') - 1];
  const swapped = graph.node('Gather', [boxes, graph.ints(1, 0, 3, 2)], { axis: { int: 2 } });
  const shares = graph.node('Div', [swapped, graph.floats([bottom, right, bottom, right])]);
  return graph.node('Unsqueeze', [shares, graph.ints(3)]);
};
