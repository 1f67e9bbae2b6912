/**
 * Finds where the channels of a tensor can be scaled without changing the function of the graph: in front of a convolution, if
 * everything between it and the layer that makes the channels maps x·f to y·f for each positive f. The weights of a depthwise
 * convolution lose no accuracy, because each of its channels has its own scale; those of others do, if factors differ much.
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import type { GraphProto, NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { initializerMap } from '../../../formats/onnx/graph.ts';
import { intOf } from '../../../formats/onnx/node.ts';
import { readsOf } from '../../../formats/onnx/reads.ts';
import { isFixedNorm } from '../fold-batchnorm.ts';
import { hasLimits, isPassed } from './passed.ts';

/** A tensor [N,C,…] that a convolution reads. */
export type ChannelSite = {
  readonly tensor: string;
  /** The convolution whose input channels are multiplied. */
  readonly reader: NodeProto;
  /** Whether the reader sums over several channels, as all but depthwise convolutions do. */
  readonly sums: boolean;
  /** Nodes between source and reader, the reader's neighbour first. */
  readonly between: readonly NodeProto[];
  /** The Conv or BatchNormalization whose output channels are divided; undefined if a Mul in front of the reader divides. */
  readonly source: NodeProto | undefined;
};

/** A graph with folded constants, and who makes and reads its tensors. */
export type ChannelGraph = {
  readonly graph: GraphProto;
  readonly opset: number;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly producers: ReadonlyMap<string, NodeProto>;
  /** Number of readers; an output of the graph counts as one. */
  readonly uses: ReadonlyMap<string, number>;
};

/** Indexes a graph whose constants are initializers. */
export const indexGraph = (graph: GraphProto, opset: number): ChannelGraph => {
  const uses = new Map<string, number>();
  const use = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of graph.node) readsOf(node).forEach(use);
  for (const { name } of graph.output) use(name);
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  return { graph, opset, constants: initializerMap(graph), producers, uses };
};

/** Lists the sites in the order of the graph. */
export const findChannelSites = (around: ChannelGraph): readonly ChannelSite[] =>
  around.graph.node.flatMap((reader) => {
    const weight = readableWeight(reader, around, readers);
    if (!weight) return [];
    const sums = reader.opType === 'ConvTranspose' || !isDepthwise(reader, weight);
    return sums && intOf(reader, 'group', 1) !== 1 ? [] : (siteOf({ reader, sums }, around) ?? []);
  });

/** Whether each output channel reads one channel. */
const isDepthwise = (reader: NodeProto, weight: TensorProto): boolean =>
  intOf(reader, 'group', 1) > 1 && weight.dims[1] === 1n;

/** Limits between source and reader become a node more, so a Mul in their place costs no more in front of a layer that sums. */
const siteOf = (
  { reader, sums }: Pick<ChannelSite, 'reader' | 'sums'>,
  around: ChannelGraph,
): ChannelSite | undefined => {
  const tensor = reader.input[0]!;
  const { between, source } = walkUp(tensor, around);
  if (source && !(sums && between.some(hasLimits))) return { tensor, reader, sums, between, source };
  const writer = writerOf(tensor, around);
  if (!writer || !isElementwise(writer)) return undefined;
  return { tensor, reader, sums, between: [], source: undefined };
};

/** The node that computes a tensor; Identity and Dropout compute nothing. */
const writerOf = (name: string, around: ChannelGraph): NodeProto | undefined => {
  const node = around.producers.get(name);
  return node?.opType === 'Identity' || node?.opType === 'Dropout' ? writerOf(node.input[0]!, around) : node;
};

/** Follows single readers up to a layer whose output channels can be divided. */
const walkUp = (from: string, around: ChannelGraph): Pick<ChannelSite, 'between' | 'source'> => {
  const between: NodeProto[] = [];
  for (let name = from; around.uses.get(name) === 1; ) {
    const node = around.producers.get(name);
    if (!node) break;
    if (isSource(node, around)) return { between, source: node };
    if (!isPassed(node, around)) break;
    between.push(node);
    name = node.input[0]!;
  }
  return { between, source: undefined };
};

const isSource = (node: NodeProto, around: ChannelGraph): boolean => {
  if (node.opType === 'Conv') return readableWeight(node, around, ['Conv']) !== undefined;
  return isFixedNorm(node) && node.input.slice(1).every((name) => isFloat(around.constants.get(name)));
};

/** Operators whose input channels can be multiplied. */
const readers: readonly string[] = ['Conv', 'ConvTranspose'];

/** The constant weight of a convolution, if it is one of these operators and its bias is constant. */
const readableWeight = (
  node: NodeProto,
  { constants }: ChannelGraph,
  operators: readonly string[],
): TensorProto | undefined => {
  if (!operators.includes(node.opType) || node.domain !== '') return undefined;
  const given = node.input.slice(1).filter((name) => name !== '');
  return given.every((name) => isFloat(constants.get(name))) ? constants.get(node.input[1]!) : undefined;
};

const isFloat = (tensor: TensorProto | undefined): boolean => tensor?.dataType === elementType.float32;

/**
 * Operators that TensorRT computes in one kernel with a Mul behind them (TensorRT developer guide, "PointWise Fusion"), so
 * that dividing costs no pass over memory.
 */
const isElementwise = ({ opType, domain }: NodeProto): boolean => domain === '' && elementwise.has(opType);

const elementwise: ReadonlySet<string> = new Set(
  'Add Sub Mul Div Min Max Relu LeakyRelu PRelu Clip Elu Selu Sigmoid HardSigmoid HardSwish Tanh Softplus Mish Swish'.split(
    ' ',
  ),
);
