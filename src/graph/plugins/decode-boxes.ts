/** Decodes boxes from an SSD head's offsets and anchors. TensorRT, plugin/common/kernels/decodeBBoxes.cu. */
import type { Subgraph } from './subgraph.ts';

/** Values of the plugin's attribute `codeType`, in the order of their numbers. */
export const codeTypes = ['Corner', 'CentreSize', 'CornerSize', 'TensorFlowCentre'] as const;
export type CodeType = (typeof codeTypes)[number];

/** Tensors of encoded boxes, P per image. */
export type Encoded = {
  /** [N, C or 1, P, 4] */
  readonly offsets: string;
  /** [N, 1, P, 4]: left, top, right, bottom. */
  readonly anchors: string;
  /** Same shape as the anchors; undefined if the offsets are already multiplied by them. */
  readonly variances: string | undefined;
  readonly codeType: CodeType;
};

/** Boxes [N, C or 1, P, 4]: left, top, right, bottom, not clipped. */
export const decodeBoxes = (graph: Subgraph, encoded: Encoded): string => {
  const { offsets, anchors, variances, codeType } = encoded;
  if (codeType === 'CentreSize' || codeType === 'TensorFlowCentre') return fromCentres(graph, encoded);
  const scaled = variances === undefined ? offsets : graph.node('Mul', [offsets, variances]);
  if (codeType === 'Corner') return graph.node('Add', [anchors, scaled]);
  const { size } = partsOf(graph, anchors);
  return graph.node('Add', [anchors, graph.node('Mul', [scaled, graph.concat([size, size], 3)])]);
};

/** Decodes centre and size; TensorFlow writes y before x. */
const fromCentres = (graph: Subgraph, { offsets, anchors, variances, codeType }: Encoded): string => {
  const { size, middle } = partsOf(graph, anchors);
  const ordered =
    codeType === 'CentreSize'
      ? offsets
      : graph.node('Gather', [offsets, graph.ints(1, 0, 3, 2)], { axis: { int: 3 } });
  const scaled = variances === undefined ? ordered : graph.node('Mul', [variances, ordered]);
  const moved = graph.node('Mul', [graph.slice(scaled, 3, [0, 2]), size]);
  const centre = graph.node('Add', [moved, middle]);
  const grown = graph.node('Mul', [graph.node('Exp', [graph.slice(scaled, 3, [2, 4])]), size]);
  const half = graph.node('Div', [grown, graph.float(2)]);
  return graph.concat([graph.node('Sub', [centre, half]), graph.node('Add', [centre, half])], 3);
};

const partsOf = (graph: Subgraph, boxes: string) => {
  const [low, high] = [graph.slice(boxes, 3, [0, 2]), graph.slice(boxes, 3, [2, 4])];
  return {
    size: graph.node('Sub', [high, low]),
    middle: graph.node('Div', [graph.node('Add', [low, high]), graph.float(2)]),
  };
};
