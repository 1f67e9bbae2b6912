/** Gathers the content of the report by running the comparisons it needs. The room `report` formats it. */
import { basename } from 'node:path';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import { renderThumbnail } from '../../data/preprocessing/thumbnail.ts';
import { describeInfinite } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture, DataType } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { LayerCosts } from '../report/layer-costs.ts';
import { reportPage } from '../report/page.ts';
import {
  type ExportReport,
  type ReportFacts,
  type ReportFile,
  reportOf,
  type TriedLever,
} from '../report/report.ts';
import type { ComparedScales, FloatComparison } from './comparison.ts';
import type { Calibrated, CalibrationRequest } from './export.ts';
import { measurePrecisionLatency, type PrecisionLatency } from './verify-int8.ts';

/** A calibration of this run, or one from existing histograms. */
export type CalibrationDone = Pick<CalibrationRequest, 'algorithm' | 'seed'> & {
  readonly calibrated: Calibrated;
  /** As the user named it: a path or a URI. */
  readonly source: string;
  /** Digest that identifies the data. */
  readonly imagesSha256: string;
  /** Duration of the pass over the images; undefined if there was none. */
  readonly passSeconds: number | undefined;
};

/** Input of a report. */
export type ReportRequest = {
  readonly architecture: Architecture;
  readonly dataType: DataType;
  /** The model as the user named it. */
  readonly source: string;
  readonly opened: OpenedModel;
  readonly calibration: CalibrationDone | undefined;
  /** Scales of a model trained with quantisation. */
  readonly trained?: Pick<ComparedScales, 'scales'>;
  /** int8 of these scales, compared with float; undefined without scales. */
  readonly comparison: FloatComparison | undefined;
  /** Sensitivity of each layer, if requested. */
  readonly sensitivity?: LayerCosts | undefined;
  /** Share of an int8 engine that computes in int8. */
  readonly int8?: ReportFacts['int8'] | undefined;
  /** Changes that were tried for int8. */
  readonly levers: readonly TriedLever[];
  readonly files: readonly ReportFile[];
  readonly notes: readonly string[];
  /** Latencies that are known already; measured if undefined. */
  readonly latency?: PrecisionLatency | undefined;
  readonly clock: { now(): number };
  readonly signal: AbortSignal;
};

/** `report.json` and `report.html`. */
export type ReportTexts = { readonly json: string; readonly page: string };

/** Makes both forms of the report. @throws UserError ImageInvalid */
export const makeReport = async (request: ReportRequest): Promise<ReportTexts> => {
  const report = await gatherReport(request);
  return { json: `${JSON.stringify(report, undefined, 1)}\n`, page: reportPage(report) };
};

const gatherReport = async (request: ReportRequest): Promise<ExportReport> => {
  const { opened, calibration, sensitivity } = request;
  if (!calibration) return reportWithoutCalibration(request);
  const { calibrated, source, imagesSha256, algorithm, seed } = calibration;
  const { scales, statistics } = calibrated;
  const { agreement, latency, notes } = await describeComparison(request, scales);
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
  const { agreement, latency, notes } = await describeComparison(request, request.trained.scales);
  return reportOf({
    facts: { ...facts, ...(latency && { latency }), notes: [...facts.notes, fromTraining, ...notes] },
    measured: undefined,
    agreement,
    sensitivity: request.sensitivity,
  });
};

/** Notes of the report about layers kept in float. */
export const floatNotes = (keepFloat: readonly string[]): string[] =>
  keepFloat.length === 0 ? [] : [`Kept in float, and therefore without scales: ${keepFloat.join(', ')}.`];

const fromTraining = 'The scales are from quantisation-aware training, so no tensor was measured.';

type Described = Pick<FloatComparison, 'agreement'> & {
  readonly latency: PrecisionLatency | undefined;
  readonly notes: readonly string[];
};

/** A graph that cannot be compared can still be exported; the report then says why. */
const describeComparison = async (
  { opened, comparison, latency: known, clock, signal }: ReportRequest,
  scales: ComparedScales['scales'],
): Promise<Described> => {
  const { agreement, fault } = { ...comparison };
  if (fault) return describeFault(fault);
  try {
    const latency = known ?? (await measurePrecisionLatency(opened, scales, { clock, signal }));
    return { agreement, latency, notes: agreement ? [] : [noHeldOutNote] };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || signal.aborted) throw thrown;
    return describeFault(thrown);
  }
};

const describeFault = ({ message }: UserError): Described => ({
  agreement: undefined,
  latency: undefined,
  notes: [`int8 was not compared with float. ${message}`],
});

const noHeldOutNote =
  'Calibration used every image, so int8 was not compared with float. Provide a folder with more images than batches × batch size.';

const factsOf = (
  request: ReportRequest,
  preprocessing: Preprocessing | undefined,
  images: ReportFacts['thumbnails'],
): ReportFacts => {
  const { opened, architecture, dataType, source, files, notes, levers, int8 } = request;
  const { sha256, payload, input: name, channels, height, width, outputs } = opened;
  const { order, mean, scale } = preprocessing ?? opened.preprocessing;
  return {
    architecture,
    dataType,
    model: { source, sha256, sizeBytes: payload.length },
    input: { name, channels, height, width },
    outputs,
    files,
    thumbnails: images,
    preprocessing: { order: channels === 1 ? 'grey' : order, mean, scale },
    notes,
    ...(levers.length > 0 && { levers }),
    ...(int8 && { int8 }),
  };
};

/** Thumbnails of calibration images: an error visible in them affects the cache too. */
const thumbnails = async ({ channels, height, width }: OpenedModel, calibrated: Calibrated) => {
  const { shown, preprocessing } = calibrated;
  const images: { name: string; png: string }[] = [];
  for (const { path, data } of preprocessing ? shown : [])
    images.push({
      name: basename(path),
      png: await renderThumbnail({ data, channels, height, width }, preprocessing!),
    });
  return images;
};
