/** Gathers what the report says: runs what has to be run, and leaves the telling to the room `report`. */
import { basename } from 'node:path';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import { renderThumbnail } from '../../data/preprocessing/thumbnail.ts';
import type { Agreement } from '../../graph/evaluation/agreement.ts';
import { describeInfinite } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture, DataType } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { LayerCosts } from '../report/layer-costs.ts';
import { type ExportReport, type ReportFacts, type ReportFile, reportOf } from '../report/report.ts';
import type { Calibrated, CalibrationRequest } from './export.ts';
import {
  batchHeldOut,
  measureInt8Agreement,
  measurePrecisionLatency,
  type PrecisionLatency,
} from './verify-int8.ts';

/** A calibration of this run, or from histograms of an earlier one. */
export type CalibrationDone = Pick<CalibrationRequest, 'algorithm' | 'seed'> & {
  readonly calibrated: Calibrated;
  /** As the user named it: a path or a URI. */
  readonly source: string;
  /** What the data are recognised by. */
  readonly imagesSha256: string;
};

export type ReportRequest = {
  readonly architecture: Architecture;
  readonly dataType: DataType;
  /** The model as the user named it. */
  readonly source: string;
  readonly opened: OpenedModel;
  readonly calibration: CalibrationDone | undefined;
  /** Scales of a model that was trained with quantisation, and images to compare on. */
  readonly trained?: ComparedScales;
  /** What each layer costs, where that was asked for. */
  readonly sensitivity?: LayerCosts | undefined;
  /** How much of an int8 engine is int8. */
  readonly int8?: ReportFacts['int8'] | undefined;
  readonly files: readonly ReportFile[];
  readonly notes: readonly string[];
  readonly clock: { now(): number };
  readonly signal: AbortSignal;
};

export type ComparedScales = Pick<Calibrated, 'scales' | 'heldOut'>;

export type ReportTexts = { readonly json: string; readonly page: string };

/** @throws UserError ImageInvalid */
export const makeReport = async (request: ReportRequest): Promise<ReportTexts> => {
  const report = await gatherReport(request);
  // Loaded here: the plotting library takes a quarter of a second that only a report is worth.
  const { reportPage } = await import('../report/page.ts');
  return { json: `${JSON.stringify(report, undefined, 1)}\n`, page: reportPage(report) };
};

const gatherReport = async (request: ReportRequest): Promise<ExportReport> => {
  const { opened, calibration, sensitivity } = request;
  if (!calibration) return reportWithoutCalibration(request);
  const { calibrated, source, imagesSha256, algorithm, seed } = calibration;
  const { scales, statistics } = calibrated;
  const { agreement, latency, notes } = await compareInt8(request, calibrated);
  const facts = factsOf(request, calibrated.preprocessing, await thumbnails(opened, calibrated));
  return reportOf({
    facts: {
      ...facts,
      ...(latency && { latency }),
      notes: [...facts.notes, ...describeInfinite(statistics.infinite), ...notes],
    },
    measured: {
      source: { source, algorithm, seed, images: statistics.images, imagesSha256 },
      scales,
      histograms: statistics.histograms,
      thresholds: statistics.thresholds,
    },
    agreement,
    sensitivity,
  });
};

const reportWithoutCalibration = async (request: ReportRequest): Promise<ExportReport> => {
  const facts = factsOf(request, undefined, []);
  if (!request.trained) return reportOf({ facts, measured: undefined, agreement: undefined });
  const { agreement, latency, notes } = await compareInt8(request, request.trained);
  return reportOf({
    facts: { ...facts, ...(latency && { latency }), notes: [...facts.notes, fromTraining, ...notes] },
    measured: undefined,
    agreement,
    sensitivity: request.sensitivity,
  });
};

/** What a report says of layers that were left in float. */
export const floatNotes = (keepFloat: readonly string[]): string[] =>
  keepFloat.length === 0 ? [] : [`Left in float, and so without scales: ${keepFloat.join(', ')}.`];

const fromTraining =
  'The scales came with the model from its training with quantisation, so no tensor was measured.';

type Comparison = {
  readonly agreement: Agreement | undefined;
  readonly latency: PrecisionLatency | undefined;
  readonly notes: readonly string[];
};

/** A graph that cannot be compared here can still be exported: the report says why in place of the figures. */
const compareInt8 = async (
  { opened, clock, signal }: ReportRequest,
  { scales, heldOut }: ComparedScales,
): Promise<Comparison> => {
  try {
    const batches = batchHeldOut(opened, heldOut);
    const agreement = batches && (await measureInt8Agreement(opened, scales, { batches, signal }));
    const latency = await measurePrecisionLatency(opened, scales, { clock, signal });
    return { agreement, latency, notes: batches ? [] : [noHeldOutNote] };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || signal.aborted) throw thrown;
    const notes = [`int8 was not compared with float. ${thrown.message}`];
    return { agreement: undefined, latency: undefined, notes };
  }
};

const noHeldOutNote =
  'There is no image that calibration did not use, so int8 was not compared with float. Give a folder with more images than batches × batch size.';

const factsOf = (
  request: ReportRequest,
  preprocessing: Preprocessing | undefined,
  pictures: ReportFacts['thumbnails'],
): ReportFacts => {
  const { opened, architecture, dataType, source, files, notes, int8 } = request;
  const { sha256, payload, input: name, channels, height, width, outputs } = opened;
  const { order, mean, scale } = preprocessing ?? opened.preprocessing;
  return {
    architecture,
    dataType,
    model: { source, sha256, sizeBytes: payload.length },
    input: { name, channels, height, width },
    outputs,
    files,
    thumbnails: pictures,
    preprocessing: { order: channels === 1 ? 'grey' : order, mean, scale },
    notes,
    ...(int8 && { int8 }),
  };
};

/** Of images that were calibrated with: what is wrong with them is wrong with the cache. */
const thumbnails = async ({ channels, height, width }: OpenedModel, calibrated: Calibrated) => {
  const { shown, preprocessing } = calibrated;
  const pictures: { name: string; png: string }[] = [];
  for (const { path, data } of preprocessing ? shown : [])
    pictures.push({
      name: basename(path),
      png: await renderThumbnail({ data, channels, height, width }, preprocessing!),
    });
  return pictures;
};
