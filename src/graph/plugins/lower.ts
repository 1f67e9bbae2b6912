/**
 * Lowers TensorRT's plugin nodes to equivalent ONNX operators, for engines without these plugins. Outputs keep their
 * names; the types and shapes of graph outputs, which exporters leave open, are declared.
 */

import { elementType } from '../../formats/onnx/element-type.ts';
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  ValueInfoProto,
} from '../../formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  type Dimension,
  foldConstants,
  graphOf,
  inputsOf,
  makeValueInfo,
  shapeOf,
} from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { quantisableOpset, raiseOpset } from '../transforms/raise-opset.ts';
import { lowerBatchedNms } from './batched-nms.ts';
import { cropOpset, lowerCropAndResize } from './crop-and-resize.ts';
import { lowerNms } from './nms.ts';
import { countOf, unsupportedPlugin } from './parameters.ts';
import { isPlugin } from './plugin-nodes.ts';
import { lowerProposal } from './proposal.ts';
import type { Subgraph } from './subgraph.ts';
import type { Suppression } from './suppression.ts';

type OutputShape = { readonly type: number; readonly shape: readonly Dimension[] };
type Context = { readonly graph: GraphProto; readonly suppression: Suppression };
type Lowering = {
  readonly lower: (node: NodeProto, context: Context) => Subgraph;
  /** Type and shape of each output; N is the batch size. */
  readonly outputs: (node: NodeProto, n: Dimension) => readonly OutputShape[];
};

const { float32, int32 } = elementType;

const lowerings: Readonly<Record<string, Lowering>> = {
  NMSDynamic_TRT: {
    lower: (node, { suppression }) => lowerNms(node, suppression),
    outputs: (node, n) => [
      { type: float32, shape: [n, 1, countOf(node, 'keepTopK'), 7] },
      { type: int32, shape: [n, 1, 1, 1] },
    ],
  },
  BatchedNMSDynamic_TRT: {
    lower: (node, { suppression }) => lowerBatchedNms(node, suppression),
    outputs: (node, n) => {
      const rows = countOf(node, 'keepTopK');
      return [
        { type: int32, shape: [n, 1] },
        { type: float32, shape: [n, rows, 4] },
        { type: float32, shape: [n, rows] },
        { type: float32, shape: [n, rows] },
      ];
    },
  },
  ProposalDynamic: {
    lower: (node, { suppression }) => lowerProposal(node, suppression),
    outputs: (node, n) => [{ type: float32, shape: [n, countOf(node, 'post_nms_top_n'), 4, 1] }],
  },
  CropAndResizeDynamic: {
    lower: (node, { graph }) => lowerCropAndResize(node, feedsImageOperator(node, graph)),
    outputs: (node, n) => {
      const size = [countOf(node, 'crop_height'), countOf(node, 'crop_width')];
      return [{ type: float32, shape: [n, undefined, undefined, ...size] }];
    },
  },
};

/** Whether the crops are read by an operator on images, like the layers that TAO runs on every region. */
const feedsImageOperator = ({ output }: NodeProto, { node: nodes }: GraphProto): boolean => {
  const names = new Set([output[0]!]);
  for (const node of nodes) {
    if (!readsOf(node).some((name) => names.has(name))) continue;
    if (imageOperators.has(node.opType)) return true;
    if (transparentOperators.has(node.opType)) names.add(node.output[0]!);
  }
  return false;
};

/** Nodes that a change of precision inserts. */
const transparentOperators: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'Cast',
  'Identity',
]);

const imageOperators: ReadonlySet<string> = new Set([
  'Conv',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'BatchNormalization',
  'Pad',
]);

/** Whether the plugin node has an equivalent in ONNX operators. */
export const canLower = ({ opType }: NodeProto): boolean => opType in lowerings;

/**
 * Replaces all plugin nodes; returns the model itself if it has none.
 * @throws UserError EngineUnsupported naming a node that only TensorRT can run, ModelInvalid
 */
export const lowerPlugins = (source: ModelProto, suppression: Suppression): ModelProto => {
  if (!graphOf(source).node.some(isPlugin)) return source;
  const model = raiseOpset(copyWith(source, { graph: foldConstants(graphOf(source)) }), lowestOpset(source));
  const graph = graphOf(model);
  const replacements = new Map(
    graph.node
      .filter(isPlugin)
      .map((node) => [node, loweringOf(node).lower(node, { graph, suppression })] as const),
  );
  return copyWith(model, {
    graph: copyWith(graph, {
      node: graph.node.flatMap((node) => replacements.get(node)?.nodes ?? [node]),
      initializer: [...graph.initializer, ...[...replacements.values()].flatMap(({ tensors }) => tensors)],
      output: declareOutputs(graph),
    }),
  });
};

const lowestOpset = (model: ModelProto): number =>
  graphOf(model).node.some(({ opType }) => opType === 'CropAndResizeDynamic') ? cropOpset : quantisableOpset;

const loweringOf = (node: NodeProto): Lowering => {
  const lowering = lowerings[node.opType];
  if (lowering) return lowering;
  throw unsupportedPlugin(node, 'it has no equivalent in ONNX operators');
};

const declareOutputs = (graph: GraphProto): ValueInfoProto[] => {
  const input = inputsOf(graph)[0];
  const n = input && shapeOf(input)?.[0];
  const stated = new Map<string, ValueInfoProto>();
  for (const node of graph.node.filter(isPlugin))
    for (const [i, { type, shape }] of loweringOf(node).outputs(node, n).entries()) {
      const name = node.output[i];
      if (name) stated.set(name, makeValueInfo(name, type, shape));
    }
  return graph.output.map((value) => stated.get(value.name) ?? value);
};
