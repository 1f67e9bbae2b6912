/**
 * CropAndResizeDynamic, which crops regions of faster_rcnn's feature map, in ONNX operators (GridSample, opset 16):
 * [N,C,H,W] and regions [N,R,4,1] of y1, x1, y2, x2 in 0…1 → [N,R,C,h,w], bilinear. A region's corners are the first
 * and the last sample; samples outside the map are 0. TensorRT, plugin/common/kernels/cropAndResizeKernel.cu.
 */
import type { NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { countOf, inputsOfPlugin } from './parameters.ts';
import { Subgraph } from './subgraph.ts';

/** First opset with GridSample. */
export const cropOpset = 16;

/**
 * `asImages`: returns the crops as separate images, [N × R, C, h, w]. TAO omits the reshape, because TensorRT's
 * convolutions accept any number of leading dimensions; ONNX's accept one. @throws UserError ModelInvalid
 */
export const lowerCropAndResize = (node: NodeProto, asImages: boolean): Subgraph => {
  const graph = new Subgraph(`${node.output[0]}/plugin`);
  const [features, regions] = inputsOfPlugin(node, 2) as [string, string];
  const [high, wide] = [countOf(node, 'crop_height'), countOf(node, 'crop_width')];
  const samples = {
    y: samplePositions(graph, regions, { from: 0, to: 2, count: high }),
    x: samplePositions(graph, regions, { from: 1, to: 3, count: wide }),
  };
  const places = [graph.reshape(samples.x, 0, -1, 1, wide, 1), graph.reshape(samples.y, 0, -1, high, 1, 1)];
  const shape = graph.concat(
    [graph.sizeOf(regions, 0), graph.sizeOf(regions, 1), graph.ints(high, wide, 1)],
    0,
  );
  const grid = graph.concat(
    places.map((place) => graph.node('Expand', [place, shape])),
    4,
  );
  const inside = isInside(graph, grid);
  const cut = graph.node('GridSample', [features, graph.reshape(grid, 0, -1, wide, 2)], {
    align_corners: { int: 1 },
    mode: { string: 'bilinear' },
    padding_mode: { string: 'border' },
  });
  const channels = graph.concat([graph.ints(0), graph.sizeOf(features, 1), graph.ints(-1, high, wide)], 0);
  const each = graph.transpose(graph.node('Reshape', [cut, channels]), 0, 2, 1, 3, 4);
  const shown = graph.node('Where', [inside, each, graph.float(0)]);
  graph.finish(asImages ? asImagesOf(graph, shown, features) : shown, node.output[0]!);
  return graph;
};

type Side = { readonly from: number; readonly to: number; readonly count: number };

/** [N,R,count]: sample positions along one side, −1…1 from end to end of the map. */
const samplePositions = (graph: Subgraph, regions: string, { from, to, count }: Side): string => {
  const [start, end] = [from, to].map((at) => graph.reshape(graph.slice(regions, 2, [at, at + 1]), 0, -1, 1));
  const share = Array.from({ length: count }, (_, i) => (count > 1 ? i / (count - 1) : 0.5));
  const length = graph.node('Sub', [end!, start!]);
  const place = graph.node('Add', [start!, graph.node('Mul', [length, graph.floats(share)])]);
  return graph.node('Sub', [graph.node('Mul', [place, graph.float(2)]), graph.float(1)]);
};

/** A sample beyond it is outside the map. Rounding errors alone must not blacken an edge. */
const edge = 1 + 1e-5;

/** [N,R,1,h,w] of bool. */
const isInside = (graph: Subgraph, grid: string): string => {
  const far = graph.node('ReduceMax', [graph.node('Abs', [grid])], {
    axes: { ints: [4] },
    keepdims: { int: 0 },
  });
  const inside = graph.node('LessOrEqual', [far, graph.float(edge)]);
  return graph.node('Unsqueeze', [inside, graph.ints(2)]);
};

const asImagesOf = (graph: Subgraph, cuts: string, features: string): string => {
  const size = graph.slice(graph.node('Shape', [cuts]), 0, [3, 5]);
  const shape = graph.concat([graph.ints(-1), graph.sizeOf(features, 1), size], 0);
  return graph.node('Reshape', [cuts, shape]);
};
