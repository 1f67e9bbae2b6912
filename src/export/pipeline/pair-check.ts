/**
 * Compares each pair of QuantizeLinear and DequantizeLinear with the Clip that replaces it in the export. ONNX Runtime
 * computes the pairs with integers.
 */
import type { Batch } from '../../data/preprocessing/batches.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, makeUntypedValueInfo } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { type FloatTensor, openSession } from '../../graph/inference/session.ts';
import { isPlugin, removeNodes } from '../../graph/plugins/plugin-nodes.ts';
import { type ActivationPair, listPairs } from '../../graph/precision/qat-unrounded.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { OpenedModel } from '../models/open-model.ts';

/** Pairs fetched per run, so that not all activations are in memory at once. */
const pairsAtOnce = 16;

/** Half a step, plus the rounding of floats. */
const slack = { steps: 0.501, share: 1e-5 } as const;

/** Requires each pair to round within its range. @throws UserError ExportDiffers naming the tensor */
export const requirePairs = async ({ quantised, input }: OpenedModel, batch: Batch): Promise<void> => {
  const given = graphOf(quantised!.given);
  const graph = removeNodes(foldConstants(given), isPlugin);
  const made = new Set(graph.node.flatMap(({ output }) => output));
  const pairs = listPairs(quantised!.given).filter(({ to, ends }) => ends !== undefined && made.has(to));
  const session = await openSession(serializeModel(exposePairs(quantised!.given, graph, pairs)), {
    optimisation: 'disabled',
  }).catch((thrown: unknown) => {
    if (thrown instanceof UserError) return undefined; // reported by the comparison of the graphs
    throw thrown;
  });
  if (!session) return;
  try {
    const fed = { data: batch.data, dims: batch.dims };
    for (let first = 0; first < pairs.length; first += pairsAtOnce) {
      const some = pairs.slice(first, first + pairsAtOnce);
      const names = [...new Set(some.flatMap(({ from, to }) => [from, to]))].filter((name) => name !== input);
      const found = { ...(await session.run({ [input]: fed }, names)), [input]: fed };
      for (const pair of some) requireRounding(pair, found[pair.from], found[pair.to]);
    }
  } finally {
    await session.release();
  }
};

const exposePairs = (
  model: ModelProto,
  graph: ReturnType<typeof graphOf>,
  pairs: readonly ActivationPair[],
): ModelProto => {
  const ports = new Set([...graph.output, ...graph.input].map(({ name }) => name));
  const names = new Set(pairs.flatMap(({ from, to }) => [from, to]).filter((name) => !ports.has(name)));
  const output = [...graph.output, ...[...names].map(makeUntypedValueInfo)];
  return copyWith(model, { graph: copyWith(graph, { output }) });
};

const requireRounding = ({ from, ends }: ActivationPair, before?: FloatTensor, after?: FloatTensor): void => {
  const [low, high, step] = [ends!.low[0]!, ends!.high[0]!, ends!.step[0]!];
  const values = after?.data ?? [];
  const index = (before?.data ?? []).findIndex((value, i) => {
    const clipped = Math.min(Math.max(value, low), high);
    return (
      Number.isFinite(value) &&
      !(Math.abs(values[i]! - clipped) <= slack.steps * step + slack.share * Math.abs(value))
    );
  });
  if (index < 0) return;
  throw new UserError(
    'ExportDiffers',
    `Comparing graphs: the pair of QuantizeLinear and DequantizeLinear after ${from} turns ${before!.data[index]} into ${values[index]}; expected rounding within ${low} … ${high} in steps of ${step}. Nothing was stored. Export the float model of the training, or report this with the model.`,
  );
};
