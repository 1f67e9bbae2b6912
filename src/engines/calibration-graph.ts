/**
 * Which tensors of a graph are calibrated, and from what: TensorRT looks up every float tensor of the parsed network,
 * but a tensor that only re-arranges another one has that one's distribution and need not be measured.
 */
import type { ModelProto, ValueInfoProto } from '../formats/generated/onnx_pb.ts';
import {
  copyWith,
  foldConstants,
  graphOf,
  initializerMap,
  inputsOf,
  makeUntypedValueInfo,
} from '../formats/onnx/graph.ts';
import { measurable } from './plugins/measurable.ts';

export type CalibrationGraph = {
  /** The model with every candidate as a graph output. */
  readonly model: ModelProto;
  /** Graph inputs, then node outputs in topological order; some may turn out not to be float tensors. */
  readonly tensors: readonly string[];
  /** Tensor → the tensor whose values it has. */
  readonly aliases: ReadonlyMap<string, string>;
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
  const activations = graph.node.flatMap(({ output }) => output.filter((name) => name !== ''));
  const aliases = new Map<string, string>();
  for (const { opType, domain, input, output } of graph.node) {
    const [from, to] = [input[0], output[0]];
    if (domain !== '' || !rearranging.has(opType) || from === undefined || to === undefined) continue;
    if (!constants.has(from)) aliases.set(to, aliases.get(from) ?? from);
  }
  const tied = graph.node
    .filter(({ opType }) => opType === 'Concat')
    .map(({ input, output }) => [...input.filter((name) => !constants.has(name)), ...output]);
  const measured = activations.filter((name) => !aliases.has(name));
  return {
    model: copyWith(running, {
      graph: copyWith(graphOf(running), { output: withOutputs(graphOf(running).output, measured) }),
    }),
    tensors: [...inputs, ...activations],
    aliases,
    tied,
  };
};

/** Their types are left open: tensors that turn out not to be float are left out afterwards. */
const withOutputs = (outputs: readonly ValueInfoProto[], names: readonly string[]): ValueInfoProto[] => {
  const there = new Set(outputs.map(({ name }) => name));
  return [...outputs, ...names.filter((name) => !there.has(name)).map(makeUntypedValueInfo)];
};

const computing: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Activations that int8 arithmetic needs a scale for: what convolutions and matrix products read. */
export const computedFrom = (source: ModelProto): readonly string[] => {
  const graph = foldConstants(graphOf(source));
  const constants = initializerMap(graph);
  const read = graph.node.filter(({ opType }) => computing.has(opType)).map(({ input }) => input[0]!);
  return [...new Set(read)].filter((name) => !constants.has(name));
};
