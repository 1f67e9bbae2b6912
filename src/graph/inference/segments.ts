/**
 * Splits a graph along its topological order into segments, each a model that passes tensors to later ones. The tensors
 * that are exposed for measuring are then in memory one segment at a time.
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

/** Element type (ONNX's number), shape, and size in bytes if the shape is fixed. */
export type TensorFacts = {
  readonly elemType: number;
  readonly dims: readonly Dimension[] | undefined;
  readonly bytes: number | undefined;
};

/** A part of a graph as a model. */
export type Segment = {
  readonly model: ModelProto;
  readonly inputs: readonly string[];
  /** Tensors to fetch: measured ones, and those that later segments read. */
  readonly outputs: readonly string[];
};

/** How a graph is split. */
export type SegmentOptions = {
  /** Facts about every tensor that is a graph input or written by a node; sequences and optionals have none. */
  readonly facts: ReadonlyMap<string, TensorFacts>;
  readonly measured: ReadonlySet<string>;
  /** Maximum bytes of exposed tensors and weights per segment. */
  readonly limit: number;
};

/** Splits a model; segments without outputs are dropped. */
export const splitIntoSegments = (model: ModelProto, cutting: SegmentOptions): readonly Segment[] => {
  const graph = graphOf(model);
  const lastRead = findLastReads(graph);
  const ends = findSegmentEnds(graph, lastRead, cutting);
  return ends
    .map((end, i) => makeSegment(model, { from: ends[i - 1] ?? 0, to: end }, { lastRead, cutting }))
    .filter(({ outputs }) => outputs.length > 0);
};

/** Index of the last node that reads a tensor. */
const findLastReads = ({ node }: GraphProto): ReadonlyMap<string, number> => {
  const last = new Map<string, number>();
  for (const [index, each] of node.entries()) for (const name of readsOf(each)) last.set(name, index);
  return last;
};

/**
 * Finds where each segment ends. A segment above the limit is cut in its second half where the fewest bytes cross. Only
 * tensors can be passed on, so no cut crosses a sequence.
 */
const findSegmentEnds = (
  { node: nodes, initializer }: GraphProto,
  lastRead: ReadonlyMap<string, number>,
  { facts, measured, limit }: SegmentOptions,
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
      const place = findCut(crossing, start, end);
      if (place === undefined) break;
      start = place;
      ends.push(start);
      held = total(exposed.slice(start, end));
    }
  }
  return [...ends, nodes.length];
};

const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);

/** For each position, the bytes that earlier nodes pass to later ones. */
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

/** Undefined if every position is inside the lifetime of a sequence. */
const findCut = (crossing: Float64Array, start: number, end: number): number | undefined => {
  const place = findNarrowest(crossing, Math.ceil((start + end) / 2), end - 1);
  if (crossing[place] !== Number.POSITIVE_INFINITY) return place;
  const earlier = findNarrowest(crossing, start + 1, end - 1);
  return crossing[earlier] === Number.POSITIVE_INFINITY ? undefined : earlier;
};

const findNarrowest = (crossing: Float64Array, from: number, to: number): number => {
  let best = from;
  for (let place = from; place <= to; place++) if (crossing[place]! < crossing[best]!) best = place;
  return best;
};

type NodeRange = { readonly from: number; readonly to: number };
type Context = { readonly lastRead: ReadonlyMap<string, number>; readonly cutting: SegmentOptions };

const makeSegment = (
  model: ModelProto,
  { from, to }: NodeRange,
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
