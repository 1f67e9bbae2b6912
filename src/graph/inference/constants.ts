/**
 * Computes the parts of a graph that depend on constants only: weights behind Cast, Mul, Identity, Transpose, Reshape,
 * ConstantOfShape, DequantizeLinear and other operators that exporters leave behind an initializer. ONNX Runtime
 * computes them, so all of its operators are supported.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { bodiesOf, readsOf } from '../../formats/onnx/reads.ts';
import { rawSizeOf, tensorFromBytes } from '../../formats/onnx/tensor.ts';
import type { InferenceSession, Tensor } from './onnxruntime.ts';
import { createSession, runSession, sessionOptions } from './session.ts';

/** Operators whose result differs at each run. */
const random: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/**
 * How much the constants of a model may grow: int8 weights become floats four times as large, and a file of a few bytes
 * must not fill the memory.
 */
const growth = { factor: 4, free: 16 * 2 ** 20 } as const;

/** Options of `foldComputedConstants`. */
export type FoldingOptions = {
  /** Nodes to keep even if all their inputs are constant. */
  readonly keeps?: (node: NodeProto) => boolean;
};

/**
 * Replaces constant subgraphs by initializers; returns the same model if there are none. Nodes that ONNX Runtime cannot
 * compute, results above the size limit and graph outputs stay.
 */
export const foldComputedConstants = async (
  model: ModelProto,
  { keeps = () => false }: FoldingOptions = {},
): Promise<ModelProto> => {
  const graph = foldConstants(graphOf(model));
  const nodes = findConstantNodes(graph, keeps);
  if (nodes.size === 0) return model;
  const limit = growth.free + growth.factor * total(graph.initializer);
  const wanted = findFrontier(graph, nodes);
  const folded = takeWithin(limit, await computeConstants({ model, graph, nodes, limit }, wanted));
  return folded.length === 0 ? model : copyWith(model, { graph: replaceByTensors(graph, folded) });
};

const total = (tensors: readonly TensorProto[]): number =>
  tensors.reduce((sum, tensor) => sum + (rawSizeOf(tensor) ?? 0), 0);

/** Nodes that depend on constants only, in topological order. */
const findConstantNodes = (
  graph: GraphProto,
  keeps: (node: NodeProto) => boolean,
): ReadonlySet<NodeProto> => {
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

/** Outputs of constant nodes that the rest of the graph reads. */
const findFrontier = ({ node: all }: GraphProto, nodes: ReadonlySet<NodeProto>): readonly string[] => {
  const made = new Set([...nodes].flatMap(({ output }) => output));
  const read = all.filter((node) => !nodes.has(node)).flatMap(readsOf);
  return [...new Set(read)].filter((name) => made.has(name));
};

type Constants = {
  readonly model: ModelProto;
  readonly graph: GraphProto;
  readonly nodes: ReadonlySet<NodeProto>;
  /** Maximum bytes of a tensor. */
  readonly limit: number;
};

/**
 * Computes all at once, or one by one if that fails, so that an operator unknown to ONNX Runtime affects only its
 * dependents.
 */
const computeConstants = async (constants: Constants, wanted: readonly string[]): Promise<TensorProto[]> => {
  try {
    return await runConstantNodes(constants, wanted);
  } catch {
    if (wanted.length === 1) return [];
    const found: TensorProto[] = [];
    for (const name of wanted) found.push(...(await computeConstants(constants, [name])));
    return found;
  }
};

const runConstantNodes = async (
  { model, graph, nodes, limit }: Constants,
  wanted: readonly string[],
): Promise<TensorProto[]> => {
  const node = findAncestors([...nodes], wanted);
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

/** Checked before anything is computed. */
const requireSmall =
  (limit: number) =>
  (value: InferenceSession.ValueMetadata): void => {
    const sizes = value.isTensor ? value.shape : ['no tensor'];
    const known = sizes.map((size) => (typeof size === 'number' ? size : Number.POSITIVE_INFINITY));
    const bytes = known.reduce((product, size) => product * size, bytesEach);
    if (!(bytes <= limit)) throw new RangeError(`${value.name} would take ${bytes} bytes`);
  };

const bytesEach = 4;

const findAncestors = (nodes: readonly NodeProto[], wanted: readonly string[]): NodeProto[] => {
  const used = new Set(wanted);
  const kept = nodes.toReversed().filter((node) => {
    const isUsed = node.output.some((name) => used.has(name));
    if (isUsed) for (const name of readsOf(node)) used.add(name);
    return isUsed;
  });
  return kept.reverse();
};

const tensorOf = (name: string, { type, dims, data }: Tensor): TensorProto => {
  if (!ArrayBuffer.isView(data)) throw new TypeError(`${name} holds ${type}, which is not numeric`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return tensorFromBytes(name, dims, { dataType: elementType[type as keyof typeof elementType], bytes });
};

/** The first tensors whose total size is within the limit. */
const takeWithin = (limit: number, tensors: readonly TensorProto[]): readonly TensorProto[] => {
  let left = limit;
  return tensors.filter((tensor) => {
    const fits = tensor.rawData.length <= left;
    if (fits) left -= tensor.rawData.length;
    return fits;
  });
};

/** Replaces nodes by the tensors that they compute, and removes what only those nodes needed. */
const replaceByTensors = (graph: GraphProto, folded: readonly TensorProto[]): GraphProto => {
  const names = new Set(folded.map(({ name }) => name));
  const before = new Set([...graph.node.flatMap(readsOf), ...graph.output.map(({ name }) => name)]);
  const node = removeUnread(graph, names);
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

/** Removes the nodes that compute these tensors, and nodes that only those nodes read. */
const removeUnread = ({ node: nodes, output }: GraphProto, names: ReadonlySet<string>): NodeProto[] => {
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
