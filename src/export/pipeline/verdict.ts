/** Checks of every export before anything is stored, on the command line and in pods. */
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { findGaps, gapsText } from './coverage.ts';
import { requireSameFunction } from './graph-check.ts';
import { type Int8Share, isMostlyFloat, measureInt8Share, requireInt8, shareText } from './int8-share.ts';

/** What to check an export for. */
export type ExportCheckRequest = {
  readonly dataType: DataType;
  /** Undefined unless the export is int8. */
  readonly scales: Scales | undefined;
  readonly isTrained: boolean;
  readonly keepFloat: readonly string[];
  /** Held-out images, if any. */
  readonly heldOut: readonly SampledImage[];
  /** Whether to refuse an export that is mostly float. */
  readonly requireInt8: boolean;
  readonly signal: AbortSignal;
};

/** A finding of the checks. */
export type Note = { readonly text: string; readonly isWarning: boolean };

/** Result of the checks of an export that passed. */
export type ExportVerdict = {
  /** For the log and the report. */
  readonly notes: readonly Note[];
  /** Undefined unless the export is int8. */
  readonly int8: Int8Share | undefined;
};

/** Warnings as sentences of the report. */
export const warningsOf = ({ notes }: ExportVerdict): readonly string[] =>
  notes.filter(({ isWarning }) => isWarning).map(({ text }) => `${text}.`);

/** Runs the checks. @throws UserError ExportDiffers, Int8ShareTooLow, ImageInvalid */
export const checkExport = async (
  opened: OpenedModel,
  request: ExportCheckRequest,
): Promise<ExportVerdict> => {
  const { scales, keepFloat, isTrained } = request;
  const checked = await requireSameFunction(opened, request);
  const notes: Note[] = checked ? [checked] : [];
  if (!scales) return { notes, int8: undefined };
  const gaps = findGaps(opened, { has: (name) => scales.has(name), keepFloat, isTrained });
  if (gaps.length > 0)
    notes.push({ isWarning: true, text: `Without a scale, and therefore in float: ${gapsText(gaps)}` });
  const int8 = await measureInt8Share(opened, { scales, keepFloat });
  if (request.requireInt8) requireInt8(int8);
  notes.push({ isWarning: isMostlyFloat(int8), text: shareText(int8) });
  return { notes, int8 };
};
