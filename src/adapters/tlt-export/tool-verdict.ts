/** What is asked of an export of `tlt-export` before its first file is written, reported in the log. */
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { OpenedModel } from '../../export/models/open-model.ts';
import { judgeExport, type Verdict } from '../../export/pipeline/verdict.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { keptFloat } from './kept-float.ts';
import type { ToolCalibration } from './tool-calibration.ts';

export type Found = {
  readonly scales: Scales | undefined;
  readonly isTrained?: boolean;
  readonly kept?: readonly SampledImage[];
};

/** @throws UserError as `judgeExport` */
export const reportedVerdict = async (
  opened: OpenedModel,
  { values, world }: ToolCalibration,
  { scales, isTrained = false, kept = [] }: Found,
): Promise<Verdict> => {
  const verdict = await judgeExport(opened, {
    dataType: values.data_type,
    scales,
    isTrained,
    kept,
    keepFloat: scales ? keptFloat(values) : [],
    requireInt8: values.require_int8,
    signal: world.signal,
  });
  for (const { isWarning, text } of verdict.notes) world.log(isWarning ? 'WARNING' : 'INFO', text);
  return verdict;
};
