/** What one export is asked to do, and what it has of the outside: the same for the command line and for pods. */

import type { EncryptOptions } from '../../formats/crypto/encrypted-model.ts';
import type { HistogramFile } from '../../formats/scales/histogram-file.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import type { Architecture, DataType } from '../../ground/contract/architectures.ts';
import type { Audience } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { ReportFile } from '../report/report.ts';
import type { CalibrationSource } from './calibration-source.ts';
import type { CalibrationRequest, Watch } from './export.ts';

export type ExportRequest = {
  readonly opened: OpenedModel;
  readonly architecture: Architecture;
  readonly dataType: DataType;
  /** The model as the user named it, for the report. */
  readonly source: string;
  readonly key: string;
  /** One `.etlt` for each. */
  readonly etlts: readonly { readonly role: 'etlt' | 'codecEtlt'; readonly options: EncryptOptions }[];
  /** Calibrate a model that has scales from training. */
  readonly forcePtq: boolean;
  /** Layers to keep in float, as `floatLayers` takes them. */
  readonly keepFloat: readonly string[];
  /** Version of the TensorRT that will read the cache. */
  readonly tensorRtVersion: string;
  /** Whether the ranges of a model trained with quantisation are an artifact of their own. */
  readonly wantsTensorScales: boolean;
  /** Undefined for fp32 and fp16. */
  readonly int8: Int8Request | undefined;
  /** Whether held-out images are stored to verify engines with. */
  readonly wantsVerification: boolean;
  readonly wantsReport: boolean;
  /** Who reads messages and report. */
  readonly audience: Audience;
};

export type Int8Request = {
  /** Scales of a calibration cache that exists; it is used instead of calibrating. */
  readonly existing: ExistingCache | undefined;
  /** Without its source, which is asked for only if images are needed. */
  readonly calibration: Omit<CalibrationRequest, 'source' | 'keepFloat' | 'tensorRtVersion' | 'reported'>;
  /** @throws UserError CalibrationSourceMissing, SpecInvalid … */
  readonly source: () => NamedSource;
  readonly histograms: HistogramStore | undefined;
  /** Images to compare on where the scales come from training; undefined without any. */
  readonly comparedFolder: string | undefined;
  /** Whether data are named that a model trained with quantisation does not need. */
  readonly namesData: boolean;
  /** Accuracy gate: minimum SQNR in decibel. */
  readonly minAgreement: number | undefined;
  readonly sensitivity: boolean;
  readonly requireInt8: boolean;
};

export type ExistingCache = { readonly scales: Scales; readonly file: ReportFile };

export type NamedSource = {
  readonly source: CalibrationSource;
  /** As the user named it: a path or a URI. */
  readonly name: string;
  /** Digest of the data, where it is known already. */
  readonly sha256?: string;
};

/** Where the histograms of a calibration are kept. */
export type HistogramStore = {
  /** A path or a URI. */
  readonly name: string;
  /** Undefined if there are none. @throws UserError HistogramsInvalid */
  readonly read: () => Promise<HistogramFile | undefined>;
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /**
   * `User`: the user named the file, so it is used as it is and a fault in it is an error. `Reuse`: it is used only if it
   * is of the same calibration, and a fault in it means counting again.
   */
  readonly owner: 'User' | 'Reuse';
  /** Where the images were drawn from, if that is known without asking for the source. */
  readonly drawnFrom: CalibrationSource | undefined;
};

export type ExportPorts = Watch & {
  readonly log: (level: 'INFO' | 'WARNING', message: string) => void;
  /** Milliseconds, with fractions, from any start. */
  readonly clock: { now(): number };
};
