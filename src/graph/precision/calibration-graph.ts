/**
 * Selects the tensors to calibrate. TensorRT looks up every float tensor of the parsed network, but a tensor that only
 * rearranges or clips another one has a distribution that follows from it.
 */
import type { GraphProto, ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, initializerMap, inputsOf } from '../../formats/onnx/graph.ts';
import { attributeOf } from '../../formats/onnx/node.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { makeMeasurable } from '../plugins/measurable.ts';

/** The tensor holds min(max(x, low), high) for every value x of `from`; infinite bounds clip nothing. */
export type Derivation = { readonly from: string; readonly low: number; readonly high: number };

/** A graph to measure, and how other tensors follow from the measured ones. */
export type CalibrationGraph = {
  /** The model in operators of ONNX Runtime, with constants folded. */
  readonly model: ModelProto;
  /** Graph inputs, then computed tensors in topological order; some may not be float tensors. */
  readonly tensors: readonly string[];
  /** Tensors that are not measured; `from` may itself be derived. */
  readonly derived: ReadonlyMap<string, Derivation>;
  /** Groups of tensors that share one scale, because a Concat joins them. */
  readonly sharedScaleGroups: readonly (readonly string[])[];
};

/** Operators whose output holds the values of their first input, equally often, in another order or shape. */
const rearranging: ReadonlySet<string> = new Set([
  'Reshape',
  'Flatten',
  'Identity',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Dropout',
]);

/**
 * Builds the graph to measure.
 * @throws UserError ModelInvalid, EngineUnsupported as `makeMeasurable`
 */
export const buildCalibrationGraph = (source: ModelProto): CalibrationGraph => {
  const { named, running } = makeMeasurable(copyWith(source, { graph: foldConstants(graphOf(source)) }));
  const graph = graphOf(named);
  const constants = initializerMap(graph);
  const inputs = inputsOf(graph).map(({ name }) => name);
  const fixed = imageIndependentNames(graph);
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
  const sharedScaleGroups = graph.node
    .filter(({ opType }) => opType === 'Concat')
    .map(({ input, output }) => [...input.filter((name) => !constants.has(name)), ...output]);
  return { model: running, tensors: [...inputs, ...activations], derived, sharedScaleGroups };
};

/** Constants, shapes and everything computed from them only: engines know these tensors at build time. */
const imageIndependentNames = (graph: GraphProto): ReadonlySet<string> => {
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

/** The bounds to which a node clips its first input; undefined if it does anything else. */
const boundsOf = (node: NodeProto, graph: GraphProto): Bounds | undefined => {
  if (rearranging.has(node.opType)) return unbounded;
  if (node.opType === 'Relu') return { low: 0, high: unbounded.high };
  if (node.opType !== 'Clip') return undefined;
  const low = clipBound(node, graph, { attribute: 'min', input: 1, absent: unbounded.low });
  const high = clipBound(node, graph, { attribute: 'max', input: 2, absent: unbounded.high });
  return low === undefined || high === undefined || low > high ? undefined : { low, high };
};

type ClipSide = { readonly attribute: string; readonly input: number; readonly absent: number };

/** A Clip bound: an attribute before opset 11, an input since then; undefined if it is computed. */
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

/** Activations that need a scale for int8: inputs of convolutions and matrix products that depend on the images. */
export const int8Activations = (source: ModelProto): readonly string[] => {
  const graph = foldConstants(graphOf(source));
  const fixed = imageIndependentNames(graph);
  const read = graph.node.filter(({ opType }) => computing.has(opType)).map(({ input }) => input[0]!);
  return [...new Set(read)].filter((name) => !fixed.has(name));
};
