/**
 * A graph cut into stretches of its topological order, each a model of its own that hands tensors on to later ones:
 * what is exposed for measuring then fills memory one stretch at a time.
 */
import type { GraphProto, ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  type Dimension,
  graphOf,
  initializerMap,
  makeValueInfo,
} from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';

/** What is known of a tensor: element type as ONNX numbers it, its shape, and its size if the shape is fixed. */
export type TensorFacts = {
  readonly elemType: number;
  readonly dims: readonly Dimension[] | undefined;
  readonly bytes: number | undefined;
};

export type Segment = {
  readonly model: ModelProto;
  readonly inputs: readonly string[];
  /** Tensors to fetch: those to measure and those that later segments read. */
  readonly outputs: readonly string[];
};

export type Cutting = {
  /** Facts of every tensor that a node writes or the graph is fed with; sequences and optionals have none. */
  readonly facts: ReadonlyMap<string, TensorFacts>;
  readonly measured: ReadonlySet<string>;
  /** Bytes of exposed tensors and of weights that a segment may hold before it is cut. */
  readonly limit: number;
};

export const segmentsOf = (model: ModelProto, cutting: Cutting): readonly Segment[] => {
  const graph = graphOf(model);
  const lastRead = lastReads(graph);
  const ends = segmentEnds(graph, lastRead, cutting);
  return ends
    .map((end, i) => segment(model, { from: ends[i - 1] ?? 0, to: end }, { lastRead, cutting }))
    .filter(({ outputs }) => outputs.length > 0);
};

/** Index of the last node that reads a tensor. */
const lastReads = ({ node }: GraphProto): ReadonlyMap<string, number> => {
  const last = new Map<string, number>();
  for (const [index, each] of node.entries()) for (const name of readsOf(each)) last.set(name, index);
  return last;
};

/**
 * Where each segment ends. When one holds more than the limit, it is cut at the narrowest place of its second half:
 * the one with the fewest bytes to hand on. Only tensors can be handed on, so no sequence is in use at a cut.
 */
const segmentEnds = (
  { node: nodes, initializer }: GraphProto,
  lastRead: ReadonlyMap<string, number>,
  { facts, measured, limit }: Cutting,
): readonly number[] => {
  const bytesOf = (name: string): number => {
    const known = facts.get(name);
    return known ? (known.bytes ?? 0) : Number.POSITIVE_INFINITY;
  };
  const crossing = crossingBytes(nodes, lastRead, bytesOf);
  const weights = new Map(initializer.map(({ name, rawData }) => [name, rawData.length]));
  const exposed = nodes.map(
    ({ input, output }) =>
      total(input.map((name) => weights.get(name) ?? 0)) +
      total(output.map((name) => (measured.has(name) ? bytesOf(name) : 0))),
  );
  const ends: number[] = [];
  for (let start = 0, end = 1, held = 0; end <= nodes.length; end++) {
    held += exposed[end - 1]!;
    while (held > limit && end - start > 1) {
      const place = cutBetween(crossing, start, end);
      if (place === undefined) break;
      start = place;
      ends.push(start);
      held = total(exposed.slice(start, end));
    }
  }
  return [...ends, nodes.length];
};

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);

/** Bytes that nodes before a place hand to nodes from it on, for each place in the order. */
const crossingBytes = (
  nodes: readonly NodeProto[],
  lastRead: ReadonlyMap<string, number>,
  bytesOf: (name: string) => number,
): Float64Array => {
  const crossing = new Float64Array(nodes.length + 1);
  for (const [index, { output }] of nodes.entries())
    for (const name of output)
      for (let place = index + 1; place <= (lastRead.get(name) ?? -1); place++)
        crossing[place]! += bytesOf(name);
  return crossing;
};

/** Undefined where every place is inside the life of a sequence. */
const cutBetween = (crossing: Float64Array, start: number, end: number): number | undefined => {
  const place = narrowest(crossing, Math.ceil((start + end) / 2), end - 1);
  if (crossing[place] !== Number.POSITIVE_INFINITY) return place;
  const earlier = narrowest(crossing, start + 1, end - 1);
  return crossing[earlier] === Number.POSITIVE_INFINITY ? undefined : earlier;
};

const narrowest = (crossing: Float64Array, from: number, to: number): number => {
  let best = from;
  for (let place = from; place <= to; place++) if (crossing[place]! < crossing[best]!) best = place;
  return best;
};

type Stretch = { readonly from: number; readonly to: number };
type Context = { readonly lastRead: ReadonlyMap<string, number>; readonly cutting: Cutting };

const segment = (
  model: ModelProto,
  { from, to }: Stretch,
  { lastRead, cutting: { facts, measured } }: Context,
): Segment => {
  const graph = graphOf(model);
  const constants = initializerMap(graph);
  const node = graph.node.slice(from, to);
  const written = new Set(node.flatMap(({ output }) => output));
  const read = new Set(node.flatMap(readsOf));
  const inputs = [...read].filter((name) => facts.has(name) && !written.has(name) && !constants.has(name));
  const wanted = (name: string): boolean => measured.has(name) || (lastRead.get(name) ?? -1) >= to;
  const outputs = [...written].filter((name) => facts.has(name) && wanted(name));
  const infoOf = (name: string) => makeValueInfo(name, facts.get(name)!.elemType, facts.get(name)!.dims);
  const initializer = graph.initializer.filter(({ name }) => read.has(name));
  return {
    model: copyWith(model, {
      graph: copyWith(graph, {
        node,
        initializer,
        input: inputs.map(infoOf),
        output: outputs.map(infoOf),
        valueInfo: [],
      }),
    }),
    inputs,
    outputs,
  };
};
