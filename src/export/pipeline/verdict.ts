/** What is asked of every export before anything of it is stored, on the command line and in pods alike. */
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { gapsOf, gapsText } from './coverage.ts';
import { requireSameFunction } from './graph-check.ts';
import { type Int8Share, int8ShareOf, isMostlyFloat, requireInt8, shareText } from './int8-share.ts';

export type Judging = {
  readonly dataType: DataType;
  /** Of an int8 export. */
  readonly scales: Scales | undefined;
  readonly isTrained: boolean;
  readonly keepFloat: readonly string[];
  /** Images that calibration did not see, if there are any. */
  readonly kept: readonly SampledImage[];
  /** Whether an export that is mostly float is refused. */
  readonly requireInt8: boolean;
  readonly signal: AbortSignal;
};

export type Note = { readonly text: string; readonly isWarning: boolean };

export type Verdict = {
  /** For the log and for the report. */
  readonly notes: readonly Note[];
  /** Of an int8 export. */
  readonly int8: Int8Share | undefined;
};

/** As sentences of a report. */
export const warningsOf = ({ notes }: Verdict): readonly string[] =>
  notes.filter(({ isWarning }) => isWarning).map(({ text }) => `${text}.`);

/** @throws UserError ExportDiffers, Int8ShareTooLow, ImageInvalid */
export const judgeExport = async (opened: OpenedModel, judging: Judging): Promise<Verdict> => {
  const { scales, keepFloat, isTrained } = judging;
  const checked = await requireSameFunction(opened, judging);
  const notes: Note[] = checked ? [checked] : [];
  if (!scales) return { notes, int8: undefined };
  const gaps = gapsOf(opened, { has: (name) => scales.has(name), keepFloat, isTrained });
  if (gaps.length > 0)
    notes.push({ isWarning: true, text: `Without a scale, and so in float: ${gapsText(gaps)}` });
  const int8 = await int8ShareOf(opened, { scales, keepFloat });
  if (judging.requireInt8) requireInt8(int8);
  notes.push({ isWarning: isMostlyFloat(int8), text: shareText(int8) });
  return { notes, int8 };
};
