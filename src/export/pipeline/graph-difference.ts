/** Two graphs of the same ports on the same images, output by output. */
import type { Batch } from '../../data/preprocessing/batches.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { type Measure, OutputDifferences } from '../../graph/evaluation/same-outputs.ts';
import { exposeTensors, sigmoidArgument, sigmoidError } from '../../graph/evaluation/sigmoid-arguments.ts';
import { type FloatTensor, openSession, type Session } from '../../graph/inference/session.ts';
import { exposeHeads } from '../../graph/plugins/heads.ts';
import { isPlugin, removeNodes } from '../../graph/plugins/plugin-nodes.ts';
import { UserError } from '../../ground/base/errors.ts';

export type GraphPair = {
  readonly reference: ModelProto;
  readonly other: ModelProto;
  readonly input: string;
};

export type GraphDifference =
  | { readonly kind: 'Same' }
  /** `text` names the output and says how much. */
  | { readonly kind: 'Differs'; readonly text: string }
  /** The reference does not run here. */
  | { readonly kind: 'NotRun'; readonly message: string };

/**
 * Up to the first plugin nodes: these sort and drop boxes, and differ in nothing but their inputs. Of a Sigmoid at the
 * end, what it reads is compared as well, and what it gives to its own precision.
 */
export const compareGraphs = async (
  { reference, other, input }: GraphPair,
  batches: readonly Batch[],
): Promise<GraphDifference> => {
  const { left, right, measures } = withSigmoidArguments(toComparable(reference), toComparable(other));
  let expected: readonly (readonly FloatTensor[])[];
  try {
    expected = await runAll(left, input, batches);
  } catch (thrown) {
    return { kind: 'NotRun', message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const sum = new OutputDifferences(measures);
  try {
    for (const [i, outputs] of (await runAll(right, input, batches)).entries())
      sum.add(expected[i]!, outputs);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { kind: 'Differs', text: `it does not run: ${thrown.message}` };
  }
  const worst = sum.worst();
  if (worst === undefined) return { kind: 'Same' };
  const name = left.outputs[worst.output] ?? '';
  return { kind: 'Differs', text: `its output ${name} agrees to ${worst.sqnrDb.toFixed(1)} dB` };
};

type Comparable = { readonly model: ModelProto; readonly outputs: readonly string[] };

/** Outputs keep their places, since an export may call what a plugin node reads by another name. */
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

/** Where an output of both ends in a Sigmoid, what it reads comes behind the other outputs. */
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

/** As the graph says and no quicker: what is fused may round otherwise. */
const options = { optimisation: 'disabled' } as const;

const runAll = async (
  { model, outputs }: Comparable,
  input: string,
  batches: readonly Batch[],
): Promise<readonly (readonly FloatTensor[])[]> => {
  const session: Session = await openSession(serializeModel(model), options);
  try {
    const found: (readonly FloatTensor[])[] = [];
    for (const { data, dims } of batches) {
      const results = await session.run({ [input]: { data, dims } }, outputs);
      found.push(outputs.flatMap((name) => results[name] ?? []));
    }
    return found;
  } finally {
    await session.release();
  }
};
