/** Condenses the evidence of a TensorRT build for status. The report may come from an image of the user. */
import type { EngineBuilt } from '../../ground/contract/result.ts';
import type { BuildReport } from '../../ground/contract/task.ts';

type BuildEvidence = NonNullable<EngineBuilt['evidence']>;

/** Names of precisions in TensorRT → here. */
const precisions = { INT8: 'int8', HALF: 'fp16', BF16: 'bf16', FLOAT: 'fp32', OTHER: 'other' } as const;

/** The counts of a report; undefined if it has none. What is no count is left out. */
export const summariseEvidence = (evidence: BuildReport['evidence']): BuildEvidence | undefined => {
  const { scales, layers, dla } = Object(evidence) as Record<string, unknown>;
  const byPrecision = pickCounts(layers, precisions);
  const summary = {
    ...pickCounts(scales, { used: 'scalesUsed', given: 'scalesGiven' }),
    ...pickCounts(dla, { onGpu: 'dlaLayersOnGpu' }),
    ...(Object.keys(byPrecision).length > 0 && { layers: byPrecision }),
  };
  return Object.keys(summary).length > 0 ? summary : undefined;
};

const pickCounts = (
  counts: unknown,
  names: Readonly<Record<string, string>>,
): Readonly<Record<string, number>> => {
  const given = Object(counts) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, ours]) => {
      const count = Object.hasOwn(given, name) ? given[name] : undefined;
      return Number.isSafeInteger(count) && (count as number) >= 0 && (count as number) <= largestCount
        ? [[ours, count as number]]
        : [];
    }),
  );
};

/** Largest int32, which the schema allows. */
const largestCount = 2 ** 31 - 1;
