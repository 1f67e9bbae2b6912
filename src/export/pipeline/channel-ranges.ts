/** Measures the range of each channel of some tensors on calibration images, in float. */
import type { Batch } from '../../data/preprocessing/batches.ts';
import type { ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, makeUntypedValueInfo, opsetOf } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { tensorFromInt64s } from '../../formats/onnx/tensor.ts';
import { openSession } from '../../graph/inference/session.ts';
import { convertPlugins } from '../../graph/precision/precision.ts';
import { FreshNames } from '../../graph/transforms/fresh-names.ts';
import { pruneGraph } from '../../graph/transforms/prune.ts';

/** What to measure, and on which images. */
export type RangeRequest = {
  /** Tensors [N,C,…], and their ranks. */
  readonly tensors: ReadonlyMap<string, number>;
  readonly input: string;
  readonly batches: AsyncIterable<Batch>;
  readonly signal: AbortSignal;
};

/** Largest |x| of each channel, by tensor. @throws UserError as `openSession`, ImageInvalid */
export const measureChannelRanges = async (
  source: ModelProto,
  { tensors, input, batches, signal }: RangeRequest,
): Promise<ReadonlyMap<string, Float32Array>> => {
  const model = convertPlugins('NonMaxSuppression', source);
  const { graph, outputs } = addReductions(model, tensors);
  const session = await openSession(serializeModel(copyWith(model, { graph })));
  const ranges = new Map<string, Float32Array>();
  try {
    for await (const { data, dims } of batches) {
      signal.throwIfAborted();
      const found = await session.run({ [input]: { data, dims } });
      for (const [tensor, output] of outputs) {
        const now = found[output]!.data;
        const known = ranges.get(tensor);
        ranges.set(tensor, known ? known.map((range, c) => Math.max(range, now[c]!)) : now);
      }
    }
  } finally {
    await session.release();
  }
  return ranges;
};

/** First opset whose ReduceMax has its axes as an input. */
const axesAsInput = 18;

/** The graph with max |x| over all axes but the second as its only outputs; tensor → output. */
const addReductions = (model: ModelProto, tensors: RangeRequest['tensors']) => {
  const graph = foldConstants(graphOf(model));
  const names = new FreshNames(graph);
  const outputs = new Map<string, string>();
  const nodes: NodeProto[] = [];
  const constants: TensorProto[] = [];
  for (const [tensor, rank] of tensors) {
    const [magnitude, output] = [names.fresh(`${tensor}/magnitude`), names.fresh(`${tensor}/range`)];
    const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);
    const list = tensorFromInt64s(names.fresh(`${output}/axes`), [axes.length], axes);
    const isInput = opsetOf(model) >= axesAsInput;
    if (isInput) constants.push(list);
    nodes.push(
      makeNode('Abs', { inputs: [tensor], outputs: [magnitude] }),
      makeNode('ReduceMax', {
        inputs: isInput ? [magnitude, list.name] : [magnitude],
        outputs: [output],
        attributes: { keepdims: { int: 0 }, ...(!isInput && { axes: { ints: axes } }) },
      }),
    );
    outputs.set(tensor, output);
  }
  const all = copyWith(graph, {
    node: [...graph.node, ...nodes],
    initializer: [...graph.initializer, ...constants],
    output: [...outputs.values()].map(makeUntypedValueInfo),
  });
  return { graph: pruneGraph(all), outputs };
};
