/** Compares ranges of tensors with those of onnxruntime's min-max calibrator on the same floats. */
import type { Statistics } from '../../src/calibration/histograms/statistics.ts';
import { runPeer } from '../peers/venv.ts';

export type RangesCompared = {
  readonly tensors: number;
  /** Largest difference of a minimum or maximum, relative to the tensor's largest magnitude. */
  readonly worst: number;
};

/** `args` are the arguments of minmax_ranges.py: model, input and tensors. */
export const compareRanges = async (
  { histograms }: Statistics,
  args: readonly string[],
): Promise<RangesCompared> => {
  const theirs = (await runPeer('minmax_ranges.py', args)) as Record<string, readonly [number, number]>;
  const differences = Object.entries(theirs).flatMap(([name, [min, max]]) => {
    const ours = histograms.get(name);
    const size = Math.max(Math.abs(min), Math.abs(max), 1e-6);
    return ours ? [Math.max(Math.abs(ours.min - min), Math.abs(ours.max - max)) / size] : [];
  });
  return { tensors: differences.length, worst: Math.max(...differences) };
};
