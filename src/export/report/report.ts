/** `report.json`: what an export was made from, what calibration found, and what int8 costs. Pure. */
import type { Histogram } from '../../calibration/histograms/histogram.ts';
import { allThresholds, type Thresholds } from '../../calibration/histograms/thresholds.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import { asDecibel, type Decibel, decibelNumber } from './decibel.ts';
import { type LayerCosts, type LayerCostsReport, layerCostsReport } from './layer-costs.ts';
import { type TensorReport, tensorReport } from './tensor-report.ts';

export type ReportFile = {
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
};

export type ReportFacts = {
  readonly architecture: string;
  readonly dataType: string;
  /** `source` is the path or URI as the user gave it. */
  readonly model: { readonly source: string; readonly sha256: string; readonly sizeBytes: number };
  readonly input: {
    readonly name: string;
    readonly channels: number;
    readonly height: number;
    readonly width: number;
  };
  readonly outputs: readonly string[];
  /** What the export wrote. */
  readonly files: readonly ReportFile[];
  /** Inputs as the network gets them, a PNG `data:` URI each. */
  readonly thumbnails: readonly { readonly name: string; readonly png: string }[];
  /** How the pixels of the thumbnails became numbers. */
  readonly preprocessing: {
    readonly order: string;
    readonly mean: readonly number[];
    /** One for all channels, or one for each. */
    readonly scale: number | readonly number[];
  };
  /** Median time of one run of ONNX Runtime on the processor that made the report. */
  readonly latency?: { readonly floatMicroseconds: number; readonly int8Microseconds: number };
  /** What the reader has to know about this report, for example why a part is missing. */
  readonly notes: readonly string[];
  /** Of an int8 export. */
  readonly int8?: ReportInt8;
};

/** How much of an engine with these scales computes in int8. */
export type ReportInt8 = {
  /** Convolutions, matrix products and recurrent layers, and those of them that compute in int8. */
  readonly layers: number;
  readonly int8Layers: number;
  /** Share of the multiplications that are int8, 0 to 1; of the layers, where shapes are free. */
  readonly arithmetic: number;
  /** Why the others are float: the commonest reason first. */
  readonly floatBecause: readonly { readonly why: string; readonly layers: number }[];
};

/** The int8 graph against the float graph, on images kept out of calibration. */
export type ReportAgreement = {
  readonly images: number;
  readonly sqnrDb: Decibel;
  readonly rmse: number | null;
  readonly top1?: number;
  readonly matchedCells?: number;
  readonly matchedBoxes?: number;
  /** Of each output, where there are several. */
  readonly outputs?: readonly { readonly name: string; readonly sqnrDb: Decibel }[];
};

export type CalibrationFacts = {
  readonly source: string;
  readonly algorithm: Algorithm;
  readonly seed: number;
  readonly images: number;
  /** Digest over names and sizes of the images in the folder. */
  readonly imagesSha256: string;
};

export type ExportReport = ReportFacts & {
  readonly formatVersion: 1;
  readonly agreement?: ReportAgreement;
  readonly sensitivity?: LayerCostsReport;
  /** Tensors: the worst signal to noise first. */
  readonly calibration?: CalibrationFacts & { readonly tensors: readonly TensorReport[] };
};

export type MeasuredTensors = {
  readonly source: CalibrationFacts;
  /** In the order of the graph. */
  readonly scales: ReadonlyMap<string, number>;
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Those that are known already. */
  readonly thresholds?: ReadonlyMap<Histogram, Thresholds> | undefined;
};

export type AgreementFigures = {
  readonly images: number;
  readonly sqnrDb: number;
  readonly rmse: number;
  readonly top1: number | undefined;
  readonly matchedCells: number | undefined;
  readonly matchedBoxes: number | undefined;
  readonly outputs: readonly { readonly name: string; readonly sqnrDb: number }[];
};

export type ReportParts = {
  readonly facts: ReportFacts;
  readonly measured: MeasuredTensors | undefined;
  readonly agreement: AgreementFigures | undefined;
  readonly sensitivity?: LayerCosts | undefined;
};

export const reportOf = ({ facts, measured, agreement, sensitivity }: ReportParts): ExportReport => ({
  formatVersion: 1,
  ...facts,
  ...(agreement && { agreement: agreementReport(agreement) }),
  ...(sensitivity && { sensitivity: layerCostsReport(sensitivity) }),
  ...(measured && { calibration: { ...measured.source, tensors: tensorReports(measured) } }),
});

const agreementReport = (outcome: AgreementFigures): ReportAgreement => {
  const { images, sqnrDb, rmse, top1, matchedCells, matchedBoxes, outputs } = outcome;
  return {
    images,
    sqnrDb: asDecibel(sqnrDb),
    rmse: Number.isFinite(rmse) ? rmse : null,
    ...(top1 !== undefined && { top1 }),
    ...(matchedCells !== undefined && { matchedCells }),
    ...(matchedBoxes !== undefined && { matchedBoxes }),
    ...(outputs.length > 1 && {
      outputs: outputs.map((each) => ({ name: each.name, sqnrDb: asDecibel(each.sqnrDb) })),
    }),
  };
};

/** Tensors of one distribution share a histogram; its thresholds are looked for once. */
export const tensorReports = ({
  scales,
  histograms,
  thresholds: given,
}: Omit<MeasuredTensors, 'source'>): TensorReport[] => {
  const known = new Map<Histogram, Thresholds>(given);
  const reports = [...scales].map(([name, scale], order) => {
    const histogram = histograms.get(name)!;
    const thresholds = known.get(histogram) ?? allThresholds(histogram);
    known.set(histogram, thresholds);
    return tensorReport({ name, order, scale, histogram, thresholds });
  });
  return reports.sort((a, b) => byWorst(a, b) || a.order - b.order);
};

const byWorst = (a: TensorReport, b: TensorReport): number => {
  const [left, right] = [decibelNumber(a.sqnrDb), decibelNumber(b.sqnrDb)];
  return left === right ? 0 : left - right;
};
