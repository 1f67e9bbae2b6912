/** Finds tensors that cannot be negative, whatever the input images are. */
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { attributeOf } from '../../formats/onnx/node.ts';
import { floatsOf } from '../../formats/onnx/tensor.ts';

/** Operators whose output is never negative. */
const alwaysNonNegative: ReadonlySet<string> = new Set([
  'Abs',
  'Exp',
  'HardSigmoid',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'Relu',
  'Sigmoid',
  'Softmax',
  'Softplus',
  'Sqrt',
]);

/** Operators whose output is non-negative if their first N inputs are. */
const nonNegativeIfInputsAre: Readonly<Record<string, number>> = {
  Add: 2,
  AveragePool: 1,
  Concat: Number.POSITIVE_INFINITY,
  Dropout: 1,
  Flatten: 1,
  GlobalAveragePool: 1,
  GlobalMaxPool: 1,
  Identity: 1,
  Max: 1,
  MaxPool: 1,
  Mul: 2,
  ReduceMax: 1,
  ReduceMean: 1,
  Reshape: 1,
  Slice: 1,
  Split: 1,
  Squeeze: 1,
  Transpose: 1,
  Unsqueeze: 1,
};

/** Access to the producers and constants of a graph. */
export type GraphValues = {
  /** The node that computes a tensor. */
  readonly producer: (name: string) => NodeProto | undefined;
  readonly constants: ReadonlyMap<string, TensorProto>;
};

/** Whether a tensor is non-negative, derived from the operators before it; false if unknown. */
export const isNonNegative = (name: string, known: GraphValues): boolean => {
  const constant = known.constants.get(name);
  if (constant) return floatsOf(constant).every((value) => value >= 0);
  const node = known.producer(name);
  if (!node) return false;
  if (alwaysNonNegative.has(node.opType)) return true;
  if (node.opType === 'Clip') return lowerBoundOf(node, known) >= 0;
  const count = nonNegativeIfInputsAre[node.opType];
  return count !== undefined && node.input.slice(0, count).every((each) => isNonNegative(each, known));
};

const lowerBoundOf = (node: NodeProto, { constants }: GraphValues): number => {
  const given = node.input[1];
  const constant = given ? constants.get(given) : undefined;
  if (constant) return floatsOf(constant)[0] ?? Number.NEGATIVE_INFINITY;
  return given ? Number.NEGATIVE_INFINITY : (attributeOf(node, 'min')?.f ?? Number.NEGATIVE_INFINITY);
};
