/** The request of one export and its ports to the outside, the same for the command line and for pods. */

import type { ImageFolder } from '../../data/preprocessing/image-list.ts';
import type { EncryptOptions } from '../../formats/crypto/encrypted-model.ts';
import type { HistogramFile } from '../../formats/scales/histogram-file.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import type { Architecture, DataType, Equalization } from '../../ground/contract/architectures.ts';
import type { Audience } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { ReportFile } from '../report/report.ts';
import type { CalibrationSource } from './calibration-source.ts';
import type { CalibrationRequest, Watch } from './export.ts';

/** What to export, and how. */
export type ExportRequest = {
  readonly opened: OpenedModel;
  readonly architecture: Architecture;
  readonly dataType: DataType;
  /** The model as the user named it, for the report. */
  readonly source: string;
  readonly key: string;
  /** One `.etlt` for each. */
  readonly etlts: readonly { readonly role: 'etlt' | 'codecEtlt'; readonly options: EncryptOptions }[];
  /** Calibrate even if the model has scales from training. */
  readonly forcePtq: boolean;
  /** Patterns of layers to keep in float, see `findFloatLayers`. */
  readonly keepFloat: readonly string[];
  /** Version of the TensorRT that will read the cache. */
  readonly tensorRtVersion: string;
  /** Whether the ranges of a model trained with quantisation become an artifact. */
  readonly wantsTensorScales: boolean;
  /** Undefined for fp32 and fp16. */
  readonly int8: Int8Request | undefined;
  /** Whether to store held-out images for the verification of engines. */
  readonly wantsVerification: boolean;
  /** What serving must know of the network, as JSON; stored if defined. */
  readonly deployment?: string;
  readonly wantsReport: boolean;
  /** Whether an engine of ONNX Runtime is built right after the checks, which needs float outputs again. */
  readonly buildsEngine: boolean;
  /** Whether messages and report name settings as flags or as fields. */
  readonly audience: Audience;
};

/** What an int8 export adds. */
export type Int8Request = {
  /** Scales of an existing calibration cache, used instead of calibrating. */
  readonly existing: ExistingCache | undefined;
  /** Without the source, which is resolved only if images are needed. */
  readonly calibration: Omit<CalibrationRequest, 'source' | 'keepFloat' | 'tensorRtVersion' | 'reported'>;
  /** @throws UserError CalibrationSourceMissing, SpecInvalid … */
  readonly source: () => NamedSource;
  readonly histograms: HistogramStore | undefined;
  /** Parts of the sample that are counted separately; undefined if one pass counts all of it. */
  readonly parts?: PartStores;
  /** Folder of images to compare on if the scales are from training. */
  readonly comparedFolder: ImageFolder | undefined;
  /** Whether the request names data that a model trained with quantisation does not need. */
  readonly namesData: boolean;
  /** Accuracy gate: minimum SQNR in decibel. */
  readonly minAgreement: number | undefined;
  readonly sensitivity: boolean;
  readonly requireInt8: boolean;
  /** Whether channels are equalised before convolutions where that gains accuracy. */
  readonly equalize: Equalization;
  /** Whether another calibration method replaces the requested one where that gains accuracy. */
  readonly chooseAlgorithm: boolean;
};

/** A parsed calibration cache and its file. */
export type ExistingCache = { readonly scales: Scales; readonly file: ReportFile };

/** A calibration source and its name. */
export type NamedSource = {
  readonly source: CalibrationSource;
  /** As the user named it: a path or a URI. */
  readonly name: string;
  /** Digest of the data, if already known. */
  readonly sha256?: string;
};

/** Storage of the histograms of a calibration. */
export type HistogramStore = {
  /** A path or a URI. */
  readonly name: string;
  /** Undefined if there are none. @throws UserError HistogramsInvalid */
  readonly read: () => Promise<HistogramFile | undefined>;
  /** @returns false if they could not be stored, and the caller can do without */
  readonly write: (bytes: Uint8Array) => Promise<boolean>;
  /**
   * `User`: the user named the file; it is used unchanged, and a fault in it is an error. `Reuse`: it is used only if
   * it belongs to the same calibration; otherwise, or after a fault in it, the images are counted again.
   */
  readonly owner: 'User' | 'Reuse';
  /** Where the images were drawn from, if known without resolving the source. */
  readonly drawnFrom: CalibrationSource | undefined;
};

/** Histograms of the parts of a sample. */
export type PartStores = {
  /** Number of parts. */
  readonly of: number;
  /** @param part from 1 */
  readonly store: (part: number) => HistogramStore;
  /** Removes all of them: their sum is stored. */
  readonly clear: () => Promise<void>;
};

/** Log, clock, progress and signal of the caller. */
export type ExportPorts = Watch & {
  readonly log: (level: 'INFO' | 'WARNING', message: string) => void;
  /** Milliseconds with fractions, from an arbitrary start. */
  readonly clock: { now(): number };
};
