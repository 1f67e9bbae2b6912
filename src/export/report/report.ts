/** `report.json`: sources of an export, results of calibration, and accuracy of int8. Pure. */
import type { Histogram } from '../../calibration/histograms/histogram.ts';
import { allThresholds, type Thresholds } from '../../calibration/histograms/thresholds.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import { asDecibel, type Decibel, decibelNumber } from './decibel.ts';
import { type LayerCosts, type LayerCostsReport, layerCostsReport } from './layer-costs.ts';
import { type TensorReport, tensorReport } from './tensor-report.ts';

/** A file of the export. */
export type ReportFile = {
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
};

/** What every report contains. */
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
  /** Files that the export wrote. */
  readonly files: readonly ReportFile[];
  /** Inputs as the network gets them, one PNG `data:` URI each. */
  readonly thumbnails: readonly { readonly name: string; readonly png: string }[];
  /** Preprocessing of the thumbnails. */
  readonly preprocessing: {
    readonly order: string;
    readonly mean: readonly number[];
    /** One for all channels, or one for each. */
    readonly scale: number | readonly number[];
  };
  /** Median time of one run in ONNX Runtime on the processor that made the report. */
  readonly latency?: { readonly floatMicroseconds: number; readonly int8Microseconds: number };
  /** What the reader must know, for example why a part is missing. */
  readonly notes: readonly string[];
  /** Changes that were tried for int8; absent if none was. */
  readonly levers?: readonly TriedLever[];
  /** Only of an int8 export. */
  readonly int8?: ReportInt8;
};

/** A change of graph or thresholds that was tried for int8: SQNR on held-out images without and with it. */
export type TriedLever = {
  readonly name: string;
  readonly images: number;
  readonly before: Decibel;
  readonly after: Decibel;
  readonly kept: boolean;
};

/** Share of an engine with these scales that computes in int8. */
export type ReportInt8 = {
  /** Number of convolutions, matrix products and recurrent layers; int8Layers of them compute in int8. */
  readonly layers: number;
  readonly int8Layers: number;
  /** Int8 share of the multiplications, 0 to 1; of the layers if shapes are free. */
  readonly arithmetic: number;
  /** Why the other layers are float, most frequent reason first. */
  readonly floatBecause: readonly { readonly why: string; readonly layers: number }[];
};

/** Agreement of the int8 graph with the float graph on held-out images. */
export type ReportAgreement = {
  readonly images: number;
  readonly sqnrDb: Decibel;
  readonly rmse: number | null;
  readonly top1?: number;
  readonly matchedCells?: number;
  readonly matchedBoxes?: number;
  /** SQNR of each output, if there are several. */
  readonly outputs?: readonly { readonly name: string; readonly sqnrDb: Decibel }[];
};

/** Where a calibration came from. */
export type CalibrationFacts = {
  readonly source: string;
  readonly algorithm: Algorithm;
  readonly seed: number;
  readonly images: number;
  /** Digest over names and sizes of the images in the folder. */
  readonly imagesSha256: string;
};

/** Content of `report.json`. */
export type ExportReport = ReportFacts & {
  readonly formatVersion: 1;
  readonly agreement?: ReportAgreement;
  readonly sensitivity?: LayerCostsReport;
  /** Tensors, the lowest SQNR first. */
  readonly calibration?: CalibrationFacts & { readonly tensors: readonly TensorReport[] };
};

/** What calibration measured. */
export type MeasuredTensors = {
  readonly source: CalibrationFacts;
  /** In the order of the graph. */
  readonly scales: ReadonlyMap<string, number>;
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Thresholds already computed. */
  readonly thresholds?: ReadonlyMap<Histogram, Thresholds> | undefined;
};

/** Figures of a comparison; see `Agreement`. */
export type AgreementFigures = {
  readonly images: number;
  readonly sqnrDb: number;
  readonly rmse: number;
  readonly top1: number | undefined;
  readonly matchedCells: number | undefined;
  readonly matchedBoxes: number | undefined;
  readonly outputs: readonly { readonly name: string; readonly sqnrDb: number }[];
};

/** Parts of a report. */
export type ReportParts = {
  readonly facts: ReportFacts;
  readonly measured: MeasuredTensors | undefined;
  readonly agreement: AgreementFigures | undefined;
  readonly sensitivity?: LayerCosts | undefined;
};

/** Composes the report. */
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

/**
 * Reports of all tensors, the lowest SQNR first. Tensors with the same distribution share a histogram, whose thresholds
 * are computed once.
 */
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
