/**
 * TensorRT's implicit int8 scheme in float arithmetic alone: what an int8 layer reads is rounded to one of 255 levels of its
 * scale, its weights to levels per output channel, and sums are exact ("Working with quantized types" of the developer guide).
 * Written without the code of Q/DQ graphs, which is compared with it.
 */
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
} from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, initializerMap } from '../../src/formats/onnx/graph.ts';
import { intOf, intsOf, makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf, tensorFromFloats } from '../../src/formats/onnx/tensor.ts';

type Constants = ReadonlyMap<string, TensorProto>;

const weighted = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];
const averages = ['AveragePool', 'GlobalAveragePool'];

const weightOf = ({ opType, input }: NodeProto, constants: Constants): TensorProto | undefined => {
  const weight = weighted.includes(opType) ? constants.get(input[1] ?? '') : undefined;
  return weight !== undefined && weight.dims.length >= 2 ? weight : undefined;
};

/** A convolution with few channels has no int8 kernel that is worth its loss. */
const isWide = (node: NodeProto, { dims }: TensorProto): boolean => {
  const [out, each, ...kernel] = dims.map(Number) as [number, number, ...number[]];
  if (intOf(node, 'group', 1) === 1) return out >= 16 && each >= 16;
  return out % 8 === 0 && (intsOf(node, 'kernel_shape') ?? kernel).every((size) => size >= 3);
};

/** Whether one tensor is computed from another. */
const isFrom = (tensor: string, source: string, writers: Writers): boolean =>
  tensor === source || (writers.get(tensor)?.input.some((name) => isFrom(name, source, writers)) ?? false);

/** The tensors that a node reads as integers. NVIDIA recommends pairs for these, and for no other tensor. */
const integerReads = (node: NodeProto, constants: Constants, writers: Writers): readonly string[] => {
  const [first, second] = node.input as [string, string];
  if (averages.includes(node.opType)) return [first];
  if (node.opType === 'Add') {
    if (constants.has(first) || constants.has(second)) return [];
    const isConvolved = (name: string) => writers.get(name)?.opType === 'Conv';
    // One branch joins the convolution that writes the other, unless that convolution has to run first.
    if (isConvolved(first) && !isFrom(second, first, writers)) return [second];
    return isConvolved(second) ? [first] : [];
  }
  const weight = weightOf(node, constants);
  if (weight === undefined || (node.opType === 'Conv' && !isWide(node, weight))) return [];
  return [first];
};

/** The tensors that the nodes of a graph read as integers. */
export const listIntegerReads = ({ node, initializer }: GraphProto): readonly string[] => {
  const constants = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  const writers = writersOf(node);
  return [...new Set(node.flatMap((each) => integerReads(each, constants, writers)))];
};

type Writers = ReadonlyMap<string, NodeProto>;
const writersOf = (nodes: readonly NodeProto[]): Writers =>
  new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));

/** ONNX's Round: ties to even. */
const roundEven = (value: number): number => {
  const nearest = Math.round(value);
  return Math.abs(value % 1) === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
};

const channelAxis = (node: NodeProto, { dims }: TensorProto): number | undefined => {
  if (node.opType === 'Conv') return 0;
  if (node.opType === 'Gemm') return intOf(node, 'transB', 0) === 1 ? 0 : 1;
  return node.opType === 'ConvTranspose' || dims.length === 2 ? 1 : undefined;
};

/** The weight with each value at the nearest of 255 levels of its channel. */
const roundWeight = (node: NodeProto, weight: TensorProto): Float32Array => {
  const [values, dims] = [floatsOf(weight), weight.dims.map(Number)];
  const axis = channelAxis(node, weight);
  const inner = dims.slice((axis ?? -1) + 1).reduce((product, size) => product * size, 1);
  const channelOf = (i: number) => (axis === undefined ? 0 : Math.floor(i / inner) % dims[axis]!);
  const largest: number[] = [];
  for (const [i, value] of values.entries())
    largest[channelOf(i)] = Math.max(largest[channelOf(i)] ?? 0, Math.abs(value));
  return values.map((value, i) => {
    const scale = Math.fround(largest[channelOf(i)]! / 127);
    return scale === 0 ? 0 : roundEven(value / scale) * scale;
  });
};

/** The graph in which each int8 layer computes from rounded floats. The model is prepared like one for Q/DQ pairs. */
export const simulateImplicit = (model: ModelProto, scales: ReadonlyMap<string, number>): ModelProto => {
  const graph = graphOf(model);
  const constants = initializerMap(graph);
  const writers = writersOf(graph.node);
  const initializer = [...graph.initializer];
  for (const [name, level] of [
    ['level/low', -128],
    ['level/high', 127],
  ] as const)
    initializer.push(tensorFromFloats(name, [], Float32Array.of(level)));
  const rounded = new Set<string>();
  const round = (tensor: string): readonly NodeProto[] => {
    if (rounded.has(tensor)) return [];
    rounded.add(tensor);
    initializer.push(tensorFromFloats(`${tensor}/step`, [], Float32Array.of(scales.get(tensor)!)));
    const step = (op: string, from: string[], to: string) =>
      makeNode(op, { name: to, inputs: from, outputs: [to] });
    return [
      step('Div', [tensor, `${tensor}/step`], `${tensor}/ratio`),
      step('Round', [`${tensor}/ratio`], `${tensor}/whole`),
      step('Clip', [`${tensor}/whole`, 'level/low', 'level/high'], `${tensor}/level`),
      step('Mul', [`${tensor}/level`, `${tensor}/step`], `${tensor}/rounded`),
    ];
  };
  const node = graph.node.flatMap((each) => {
    const reads = integerReads(each, constants, writers).filter((name) => scales.has(name));
    if (reads.length === 0) return [each];
    const weight = weightOf(each, constants);
    const name = weight && `${each.output[0]}/weight/rounded`;
    if (weight) initializer.push(tensorFromFloats(name!, weight.dims.map(Number), roundWeight(each, weight)));
    const input = each.input.map((from) => {
      if (weight && from === weight.name) return name!;
      return reads.includes(from) ? `${from}/rounded` : from;
    });
    return [...reads.flatMap(round), copyWith(each, { input })];
  });
  return copyWith(model, { graph: copyWith(graph, { node, initializer, valueInfo: [] }) });
};
