/**
 * Constants that a graph computes from constants, computed: weights behind Cast, Mul, Identity, Transpose, Reshape,
 * ConstantOfShape, DequantizeLinear and whatever else exporters leave behind an initializer. ONNX Runtime computes them,
 * so every operator that it has counts.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { bodiesOf, readsOf } from '../../formats/onnx/reads.ts';
import { rawSizeOf, tensorFromBytes } from '../../formats/onnx/tensor.ts';
import type { InferenceSession, Tensor } from './onnxruntime.ts';
import { createSession, runSession, sessionOptions } from './session.ts';

/** Operators that give other values at each run. */
const random: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/**
 * What the constants of a model may grow by: int8 weights become floats four times as large, and a file of a few bytes
 * must not fill the memory.
 */
const growth = { factor: 4, free: 16 * 2 ** 20 } as const;

export type FoldingOptions = {
  /** Nodes that stay, whatever they read. */
  readonly keeps?: (node: NodeProto) => boolean;
};

/**
 * The model itself if no node reads constants alone. What ONNX Runtime cannot compute, and what would be larger than the
 * bounds, stays as it is; outputs of the graph are not folded.
 */
export const withConstantsFolded = async (
  model: ModelProto,
  { keeps = () => false }: FoldingOptions = {},
): Promise<ModelProto> => {
  const graph = foldConstants(graphOf(model));
  const nodes = constantNodes(graph, keeps);
  if (nodes.size === 0) return model;
  const limit = growth.free + growth.factor * total(graph.initializer);
  const wanted = frontier(graph, nodes);
  const folded = within(limit, await computed({ model, graph, nodes, limit }, wanted));
  return folded.length === 0 ? model : copyWith(model, { graph: withTensors(graph, folded) });
};

const total = (tensors: readonly TensorProto[]): number =>
  tensors.reduce((sum, tensor) => sum + (rawSizeOf(tensor) ?? 0), 0);

/** In topological order. */
const constantNodes = (graph: GraphProto, keeps: (node: NodeProto) => boolean): ReadonlySet<NodeProto> => {
  const constant = new Set(graph.initializer.map(({ name }) => name));
  const outputs = new Set(graph.output.map(({ name }) => name));
  const nodes = new Set<NodeProto>();
  for (const node of graph.node) {
    if (keeps(node) || random.has(node.opType) || bodiesOf(node).length > 0) continue;
    const read = readsOf(node);
    if (read.length === 0 || !read.every((name) => constant.has(name))) continue;
    if (node.output.some((name) => outputs.has(name))) continue;
    nodes.add(node);
    for (const name of node.output) constant.add(name);
  }
  return nodes;
};

/** Tensors of constant nodes that the rest of the graph reads. */
const frontier = ({ node: all }: GraphProto, nodes: ReadonlySet<NodeProto>): readonly string[] => {
  const made = new Set([...nodes].flatMap(({ output }) => output));
  const read = all.filter((node) => !nodes.has(node)).flatMap(readsOf);
  return [...new Set(read)].filter((name) => made.has(name));
};

type Constants = {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly nodes: ReadonlySet<NodeProto>;
  /** Bytes that a tensor may take. */
  readonly limit: number;
};

/** All at once, and where that fails one by one: an operator that ONNX Runtime lacks stops only what depends on it. */
const computed = async (constants: Constants, wanted: readonly string[]): Promise<TensorProto[]> => {
  try {
    return await run(constants, wanted);
  } catch {
    if (wanted.length === 1) return [];
    const found: TensorProto[] = [];
    for (const name of wanted) found.push(...(await computed(constants, [name])));
    return found;
  }
};

const run = async (
  { model, graph, nodes, limit }: Constants,
  wanted: readonly string[],
): Promise<TensorProto[]> => {
  const node = ancestors([...nodes], wanted);
  const read = new Set(node.flatMap(readsOf));
  const part = copyWith(graph, {
    node,
    initializer: graph.initializer.filter(({ name }) => read.has(name)),
    input: [],
    output: node.flatMap(({ output }) => output.filter((name) => name !== '').map(makeUntypedValueInfo)),
    valueInfo: [],
  });
  const bytes = serializeModel(copyWith(model, { graph: part }));
  const session = await createSession(bytes, sessionOptions({ optimisation: 'disabled', threads: 1 }));
  try {
    session.outputMetadata.forEach(requireSmall(limit));
    const results = await runSession(session, {}, wanted);
    return wanted.map((name) => tensorOf(name, results[name] as Tensor));
  } finally {
    await session.release();
  }
};

/** Asked before anything is computed. */
const requireSmall =
  (limit: number) =>
  (value: InferenceSession.ValueMetadata): void => {
    const sizes = value.isTensor ? value.shape : ['no tensor'];
    const known = sizes.map((size) => (typeof size === 'number' ? size : Number.POSITIVE_INFINITY));
    const bytes = known.reduce((product, size) => product * size, bytesEach);
    if (!(bytes <= limit)) throw new RangeError(`${value.name} would take ${bytes} bytes`);
  };

const bytesEach = 4;

const ancestors = (nodes: readonly NodeProto[], wanted: readonly string[]): NodeProto[] => {
  const used = new Set(wanted);
  const kept = nodes.toReversed().filter((node) => {
    const isUsed = node.output.some((name) => used.has(name));
    if (isUsed) for (const name of readsOf(node)) used.add(name);
    return isUsed;
  });
  return kept.reverse();
};

const tensorOf = (name: string, { type, dims, data }: Tensor): TensorProto => {
  if (!ArrayBuffer.isView(data)) throw new TypeError(`${name} holds ${type}, which is no number`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return tensorFromBytes(name, dims, { dataType: elementType[type as keyof typeof elementType], bytes });
};

/** The first of them that fit together. */
const within = (limit: number, tensors: readonly TensorProto[]): readonly TensorProto[] => {
  let left = limit;
  return tensors.filter((tensor) => {
    const fits = tensor.rawData.length <= left;
    if (fits) left -= tensor.rawData.length;
    return fits;
  });
};

/** The tensors in place of the nodes that compute them, without what was needed for that alone. */
const withTensors = (graph: GraphProto, folded: readonly TensorProto[]): GraphProto => {
  const names = new Set(folded.map(({ name }) => name));
  const before = new Set([...graph.node.flatMap(readsOf), ...graph.output.map(({ name }) => name)]);
  const node = withoutUnread(graph, names);
  const after = new Set([...node.flatMap(readsOf), ...graph.output.map(({ name }) => name)]);
  const initializer = graph.initializer.filter(({ name }) => after.has(name) || !before.has(name));
  const kept = new Set(initializer.map(({ name }) => name));
  const gone = new Set(graph.initializer.filter(({ name }) => !kept.has(name)).map(({ name }) => name));
  return copyWith(graph, {
    node,
    initializer: [...initializer, ...folded],
    input: graph.input.filter(({ name }) => !gone.has(name)),
    valueInfo: graph.valueInfo.filter(({ name }) => !names.has(name)),
  });
};

/** Without the nodes that compute these tensors, and without those that only such nodes read. */
const withoutUnread = ({ node: nodes, output }: GraphProto, names: ReadonlySet<string>): NodeProto[] => {
  const lost = new Set<NodeProto>();
  const needed = new Set(output.map(({ name }) => name));
  const readAtFirst = new Set(nodes.flatMap(readsOf));
  for (const node of nodes.toReversed()) {
    const wasRead = node.output.some((name) => readAtFirst.has(name));
    const isNeeded = node.output.some((name) => needed.has(name) && !names.has(name));
    if (wasRead && !isNeeded) lost.add(node);
    else for (const name of readsOf(node)) needed.add(name);
  }
  return nodes.filter((node) => !lost.has(node));
};
