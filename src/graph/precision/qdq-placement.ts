/** Decides which inputs of a node are quantised, by the rules of a builder. */
import type { GraphProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { intOf, intsOf } from '../../formats/onnx/node.ts';
import type { PairRules } from './pair-rules.ts';

type Constants = ReadonlyMap<string, TensorProto>;

/** The graph of a node, its constants, and where pairs go. */
export type PairPlacement = {
  readonly graph: GraphProto;
  readonly constants: Constants;
  readonly rules: PairRules;
};

/** Indices of the activation inputs that get a Q/DQ pair; empty for a node that stays float. */
export const quantisedInputs = (
  node: NodeProto,
  { graph, constants, rules }: PairPlacement,
): readonly number[] => {
  const rule = node.domain === '' && Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined;
  switch (rule) {
    case 'WideWeight':
      return isWorthQuantising(node, constants) ? [0] : [];
    case 'ConstantWeight':
      return weightOf(node, constants) === undefined ? [] : [0];
    case 'Input':
      return [0];
    case 'ResidualBranch':
      return residualInput(node, graph, constants);
    default:
      return [];
  }
};

/** Input index of a node's constant weight; undefined if it has none. */
export const weightOf = ({ opType, input }: NodeProto, constants: Constants): number | undefined => {
  const weighted = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(opType);
  const weight = constants.get(input[1] ?? '');
  return weighted && weight && weight.dims.length >= 2 ? 1 : undefined;
};

/**
 * Narrow convolutions have no fast int8 kernels and lose the most accuracy. A convolution needs at least 16 channels on
 * both sides; a depthwise one needs a multiple of 8 channels and a kernel of at least 3.
 */
const isWorthQuantising = (node: NodeProto, constants: Constants): boolean => {
  const weight = constants.get(node.input[1] ?? '');
  if (!weight) return false;
  const groups = intOf(node, 'group', 1);
  const [out = 0, inEach = 0] = weight.dims.map(Number);
  if (groups === 1) return out >= 16 && inEach >= 16;
  const kernel = intsOf(node, 'kernel_shape') ?? weight.dims.slice(2).map(Number);
  return out % 8 === 0 && kernel.every((size) => size >= 3);
};

/**
 * In a residual sum one branch is quantised, so that the convolution that writes the other fuses with the sum and its relu. Of two
 * convolutions that is the one farther from the inputs: what it reads may be the other branch, which cannot wait for the sum then.
 */
const residualInput = (node: NodeProto, graph: GraphProto, constants: Constants): readonly number[] => {
  if (node.input.some((name) => constants.has(name))) return [];
  const fromConv = (name: string) =>
    graph.node.some(({ opType, output }) => opType === 'Conv' && output[0] === name);
  const [first, second] = node.input.map(fromConv);
  if (!first && !second) return [];
  if (!first || !second) return [first ? 1 : 0];
  const [before = 0, after = 0] = listDepths(node.input, graph);
  return [before < after ? 0 : 1];
};

/** Nodes on the longest way from an input of the graph to each tensor. */
const listDepths = (tensors: readonly string[], { node: nodes }: GraphProto): readonly number[] => {
  const depths = new Map<string, number>();
  for (const { input, output } of nodes) {
    const depth = input.reduce((most, name) => Math.max(most, depths.get(name) ?? 0), 0) + 1;
    for (const name of output) depths.set(name, depth);
  }
  return tensors.map((name) => depths.get(name) ?? 0);
};
