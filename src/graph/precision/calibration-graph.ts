/**
 * Which tensors of a graph are calibrated, and from what: TensorRT looks up every float tensor of the parsed network,
 * but a tensor that only re-arranges or clips another one has a distribution that follows from that one's.
 */
import type { GraphProto, ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, initializerMap, inputsOf } from '../../formats/onnx/graph.ts';
import { attributeOf } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { measurable } from '../plugins/measurable.ts';

/** The tensor holds min(max(x, low), high) of every value of `from`; infinite bounds clip nothing. */
export type Derivation = { readonly from: string; readonly low: number; readonly high: number };

export type CalibrationGraph = {
  /** The model in operators that ONNX Runtime has, with constants folded to initializers. */
  readonly model: ModelProto;
  /** Graph inputs, then what nodes compute from them, in topological order; some may turn out not to be float tensors. */
  readonly tensors: readonly string[];
  /** Tensors that need not be measured. A `from` may be derived itself. */
  readonly derived: ReadonlyMap<string, Derivation>;
  /** Tensors that must share one range because a Concat lays them side by side. */
  readonly tied: readonly (readonly string[])[];
};

/** Operators whose output holds their first input's values, each as often, in another order or shape. */
const rearranging: ReadonlySet<string> = new Set([
  'Reshape',
  'Flatten',
  'Identity',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Dropout',
]);

export const calibrationGraph = (source: ModelProto): CalibrationGraph => {
  const { named, running } = measurable(copyWith(source, { graph: foldConstants(graphOf(source)) }));
  const graph = graphOf(named);
  const constants = initializerMap(graph);
  const inputs = inputsOf(graph).map(({ name }) => name);
  const fixed = withoutImages(graph);
  const activations = graph.node.flatMap(({ output }) =>
    output.filter((name) => name !== '' && !fixed.has(name)),
  );
  const derived = new Map<string, Derivation>();
  for (const node of graph.node) {
    const [from, to] = [node.input[0], node.output[0]];
    if (node.domain !== '' || !from || !to || constants.has(from)) continue;
    const bounds = boundsOf(node, graph);
    if (bounds) derived.set(to, { from, ...bounds });
  }
  const tied = graph.node
    .filter(({ opType }) => opType === 'Concat')
    .map(({ input, output }) => [...input.filter((name) => !constants.has(name)), ...output]);
  return { model: running, tensors: [...inputs, ...activations], derived, tied };
};

/** Constants, shapes, and all that is computed from those alone: engines know these tensors when they are built. */
const withoutImages = (graph: GraphProto): ReadonlySet<string> => {
  const fixed = new Set(graph.initializer.map(({ name }) => name));
  for (const node of graph.node) {
    const isShape = node.opType === 'Shape' || node.opType === 'Size';
    if (isShape || readsOf(node).every((name) => fixed.has(name)))
      for (const name of node.output) fixed.add(name);
  }
  return fixed;
};

type Bounds = Omit<Derivation, 'from'>;

const unbounded: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** What a node clips its first input to; undefined if it does more than to clip. */
const boundsOf = (node: NodeProto, graph: GraphProto): Bounds | undefined => {
  if (rearranging.has(node.opType)) return unbounded;
  if (node.opType === 'Relu') return { low: 0, high: unbounded.high };
  if (node.opType !== 'Clip') return undefined;
  const low = clipBound(node, graph, { attribute: 'min', input: 1, absent: unbounded.low });
  const high = clipBound(node, graph, { attribute: 'max', input: 2, absent: unbounded.high });
  return low === undefined || high === undefined || low > high ? undefined : { low, high };
};

type ClipSide = { readonly attribute: string; readonly input: number; readonly absent: number };

/** An attribute before opset 11, an input from then on; undefined if it is computed. */
const clipBound = (
  node: NodeProto,
  graph: GraphProto,
  { attribute, input, absent }: ClipSide,
): number | undefined => {
  const name = node.input[input];
  if (!name) return attributeOf(node, attribute)?.f ?? absent;
  const constant = graph.initializer.find((tensor) => tensor.name === name);
  return constant && floatsOf(constant)[0];
};

const computing: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Activations that int8 arithmetic needs a scale for: what convolutions and matrix products read of the images. */
export const computedFrom = (source: ModelProto): readonly string[] => {
  const graph = foldConstants(graphOf(source));
  const fixed = withoutImages(graph);
  const read = graph.node.filter(({ opType }) => computing.has(opType)).map(({ input }) => input[0]!);
  return [...new Set(read)].filter((name) => !fixed.has(name));
};
