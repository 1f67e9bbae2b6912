/** Compares two graphs with the same ports on the same images, output by output. */
import type { Batch } from '../../data/preprocessing/batches.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { type Measure, OutputDifferences } from '../../graph/evaluation/same-outputs.ts';
import { exposeTensors, sigmoidArgument, sigmoidError } from '../../graph/evaluation/sigmoid-arguments.ts';
import type { FloatTensor } from '../../graph/inference/session.ts';
import { type SessionThread, withSessionThreads } from '../../graph/inference/session-thread.ts';
import { exposeHeads } from '../../graph/plugins/heads.ts';
import { isPlugin, removeNodes } from '../../graph/plugins/plugin-nodes.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';

/** Graphs to compare; `input` is the name of their input. */
export type GraphPair = {
  readonly reference: ModelProto;
  readonly other: ModelProto;
  readonly input: string;
};

/** Result of a comparison. */
export type GraphDifference =
  | { readonly kind: 'Same' }
  /** `text` names the output and its SQNR. */
  | { readonly kind: 'Differs'; readonly text: string }
  /** ONNX Runtime cannot run the reference. */
  | { readonly kind: 'NotRun'; readonly message: string };

/**
 * Compares up to the first plugin nodes, which sort and drop boxes and differ only in their inputs. For a Sigmoid at
 * the end, its input is compared as well, and its output to the Sigmoid's own precision. Each graph has a thread.
 */
export const compareGraphs = ({ reference, other, input }: GraphPair, batches: readonly Batch[]) =>
  withSessionThreads(2, async ([one, two]): Promise<GraphDifference> => {
    const { left, right, measures } = withSigmoidArguments(toComparable(reference), toComparable(other));
    const [expected, found] = await Promise.allSettled([
      runAll(one!, left, { input, batches }),
      runAll(two!, right, { input, batches }),
    ]);
    if (expected.status === 'rejected') return { kind: 'NotRun', message: messageOf(expected.reason) };
    if (found.status === 'rejected') {
      if (!(found.reason instanceof UserError)) throw found.reason;
      return { kind: 'Differs', text: `it does not run: ${found.reason.message}` };
    }
    const sum = new OutputDifferences(measures);
    for (const [i, outputs] of found.value.entries()) sum.add(expected.value[i]!, outputs);
    const worst = sum.worst();
    if (worst === undefined) return { kind: 'Same' };
    const name = left.outputs[worst.output] ?? '';
    return { kind: 'Differs', text: `its output ${name} agrees to ${worst.sqnrDb.toFixed(1)} dB` };
  });

type Comparable = { readonly model: ModelProto; readonly outputs: readonly string[] };

/**
 * The graph up to its plugin nodes. Outputs are compared by position: an export may rename the inputs of a plugin node.
 */
const toComparable = (source: ModelProto): Comparable => {
  const { model } = exposeHeads(copyWith(source, { graph: foldConstants(graphOf(source)) }));
  const graph = removeNodes(graphOf(model), isPlugin);
  return { model: copyWith(model, { graph }), outputs: graph.output.map(({ name }) => name) };
};

type ComparablePair = {
  readonly left: Comparable;
  readonly right: Comparable;
  readonly measures: readonly Measure[];
};

/** Where an output of both graphs ends in a Sigmoid, its input is added after the other outputs. */
const withSigmoidArguments = (left: Comparable, right: Comparable): ComparablePair => {
  const [inLeft, inRight] = [findSigmoidArguments(left), findSigmoidArguments(right)];
  const isEnd = left.outputs.map((_, i) => inLeft[i] !== undefined && inRight[i] !== undefined);
  const ends = (names: Arguments): string[] => names.flatMap((name, i) => (isEnd[i] ? (name ?? []) : []));
  return {
    left: addOutputs(left, ends(inLeft)),
    right: addOutputs(right, ends(inRight)),
    measures: [
      ...isEnd.map((each): Measure => (each ? { slack: sigmoidError } : {})),
      ...ends(inLeft).map((): Measure => ({ isCentred: true })),
    ],
  };
};

type Arguments = readonly (string | undefined)[];

const findSigmoidArguments = ({ model, outputs }: Comparable): Arguments =>
  outputs.map((output) => sigmoidArgument(graphOf(model), output));

const addOutputs = ({ model, outputs }: Comparable, names: readonly string[]): Comparable => ({
  model: copyWith(model, { graph: exposeTensors(graphOf(model), names) }),
  outputs: [...outputs, ...names],
});

/** No optimisation: fused operators may round differently. */
const options = { optimisation: 'disabled', threads: 1 } as const;

type Inputs = { readonly input: string; readonly batches: readonly Batch[] };

const runAll = async (
  thread: SessionThread,
  { model, outputs }: Comparable,
  { input, batches }: Inputs,
): Promise<readonly (readonly FloatTensor[])[]> => {
  await thread.open(serializeModel(model) as Uint8Array<ArrayBuffer>, options);
  const found = await Promise.all(batches.map(({ data, dims }) => thread.run({ [input]: { data, dims } })));
  return found.map((results) => outputs.flatMap((name) => results[name] ?? []));
};
