/** Lists the compute layers of a graph: which of them run in int8 with given scales, and why the others do not. */
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, graphsOf, initializerMap } from '../../formats/onnx/graph.ts';
import { bodiesOf } from '../../formats/onnx/reads.ts';
import { elementCountOf } from '../../formats/onnx/tensor.ts';
import { layerName } from './float-layers.ts';
import { pairRules } from './pair-rules.ts';
import type { Scales } from './qdq.ts';
import { quantisedInputs, weightOf } from './qdq-placement.ts';

/** A convolution, matrix product or recurrent layer. */
export type ArithmeticLayer = {
  readonly name: string;
  readonly isInt8: boolean;
  /** Why the layers are float, as a clause with a plural subject; undefined for an int8 layer. */
  readonly why: string | undefined;
  /** Multiplications per run of the graph; undefined if shapes are unknown. */
  readonly operations: number | undefined;
};

/** What decides which layers run in int8. */
export type ArithmeticRequest = {
  readonly scales: Scales;
  /** Tensors without a scale because the user keeps their layers in float. */
  readonly keptFloat: ReadonlySet<string>;
  /** Sizes of a tensor; undefined if one is dynamic. */
  readonly shapeOf: (tensor: string) => readonly number[] | undefined;
};

const products: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
const recurrent: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'RNN']);

const isArithmetic = ({ opType }: NodeProto): boolean => products.has(opType) || recurrent.has(opType);

/** Lists the layers of a graph from `prepareForQdq`, including those in bodies of If, Loop and Scan. */
export const listArithmeticLayers = (
  model: ModelProto,
  request: ArithmeticRequest,
): readonly ArithmeticLayer[] => {
  const graph = graphOf(model);
  const constants = initializerMap(graph);
  return graph.node.flatMap((node) =>
    isArithmetic(node) ? [describeLayer(node, { graph, constants, ...request })] : listLayersInBodies(node),
  );
};

/** Bodies get no Q/DQ pairs, and the number of their runs is unknown. */
const listLayersInBodies = (node: NodeProto): ArithmeticLayer[] =>
  bodiesOf(node)
    .flatMap((body) => [...graphsOf(body)])
    .flatMap((body) => body.node.filter(isArithmetic))
    .map((inner) => ({
      name: `${layerName(node)}/${layerName(inner)}`,
      isInt8: false,
      why: 'are inside a body of If, Loop or Scan',
      operations: undefined,
    }));

type Surroundings = ArithmeticRequest & {
  readonly graph: GraphProto;
  readonly constants: ReadonlyMap<string, TensorProto>;
};

const describeLayer = (node: NodeProto, around: Surroundings): ArithmeticLayer => {
  const why = whyFloat(node, around);
  return { name: layerName(node), isInt8: why === undefined, why, operations: countOperations(node, around) };
};

const whyFloat = (
  node: NodeProto,
  { graph, constants, scales, keptFloat }: Surroundings,
): string | undefined => {
  const quantised = quantisedInputs(node, { graph, constants, rules: pairRules.TensorRt });
  if (quantised.some((i) => scales.has(node.input[i]!))) return undefined;
  if (recurrent.has(node.opType)) return 'are recurrent (LSTM, GRU, RNN)';
  if (node.input.some((name) => keptFloat.has(name))) return 'are left in float as asked';
  if (weightOf(node, constants) === undefined) return 'have a weight that the graph computes';
  if (quantised.length === 0) return 'are too narrow for int8 kernels (fewer than 16 channels on a side)';
  return 'read a tensor without a scale';
};

/** Multiplications per run, without bias and padding. */
const countOperations = (node: NodeProto, { constants, shapeOf }: Surroundings): number | undefined => {
  const sizes = (name: string | undefined): readonly number[] | undefined =>
    name === undefined ? undefined : (constants.get(name)?.dims.map(Number) ?? shapeOf(name));
  const [data, weight, result] = [sizes(node.input[0]), sizes(node.input[1]), sizes(node.output[0])];
  if (recurrent.has(node.opType)) {
    const weights = [node.input[1], node.input[2]].map((name) => constants.get(name ?? ''));
    const count = weights.reduce((sum, tensor) => sum + (tensor ? elementCountOf(tensor) : Number.NaN), 0);
    return data?.[0] === undefined || Number.isNaN(count) ? undefined : data[0] * count;
  }
  if (!data || !weight) return undefined;
  if (node.opType === 'ConvTranspose') return product(data) * product(weight.slice(1));
  if (!result) return undefined;
  if (node.opType === 'Conv') return product(result) * product(weight.slice(1));
  const shared = node.opType === 'Gemm' ? product(weight) / (result.at(-1) ?? 1) : data.at(-1)!;
  return product(result) * shared;
};

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
