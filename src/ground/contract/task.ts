/** What the operator asks of a pod. A task is public: it holds names and places, never a key. */
import type { Algorithm, Architecture, DataType } from './architectures.ts';
import type { Backend } from './backends.ts';
import type { TensorfileModule } from './flags.ts';
import type { ModelSettings } from './model-settings.ts';
import type { OutputRoles } from './output-roles.ts';
import type { EngineBuilt } from './result.ts';

/** A file, with the digest that it must have if the user or an earlier stage pinned it. */
export type Source = { readonly uri: string; readonly sha256?: string };

/** The experiment spec: the file behind the URI, or the file of the mounted ConfigMap where there is none. */
export type SpecSource = Partial<Source>;

/** Where what an experiment spec names is to be found. */
export type DataRoot = {
  readonly uri: string;
  /** Absolute paths of the spec that begin with this folder lie below the root. */
  readonly pathInSpec?: string;
};

export type CalibrationTask = {
  /** `Model`: the scales that training with quantisation left in it. */
  readonly source: 'ImageDirectory' | 'Tensorfile' | 'DataLoader' | 'Model';
  readonly imageDirectory?: Source;
  readonly tensorfile?: Source;
  readonly dataLoader?: { readonly dataRoot: DataRoot };
  readonly batches: number;
  readonly batchSize: number;
  readonly algorithm: Algorithm;
  /** Least SQNR of the int8 outputs against the float ones, in decibel; no gate if left out. */
  readonly minAgreement?: number;
  /** Layers that stay float: names and patterns with `*`; none if left out. */
  readonly keepFloat?: readonly string[];
  /** Whether an export is refused that would be more float than int8. */
  readonly requireInt8?: boolean;
  /** Whether the report says what each layer costs. */
  readonly sensitivity?: boolean;
  /** Percent of the images wanted that may be broken; none if left out. */
  readonly maxBrokenPercent?: number;
};

/** One export: model in, `.etlt`, calibration cache and verification tensor out, under `folder`. */
export type ExportTask = {
  readonly architecture: Architecture;
  readonly model: Source & ModelSettings;
  readonly dataType: DataType;
  readonly calibration?: CalibrationTask;
  readonly forcePtq: boolean;
  readonly experimentSpec?: SpecSource;
  /** A program in the image that the worker runs in, for what age did not encrypt and for a second `.etlt`. */
  readonly codec?: { readonly command: readonly string[] };
  readonly exportKey: string;
  /** URI of what a calibration of the same data counted or will have counted; nothing is kept if left out. */
  readonly histograms?: string;
  /** URI of the folder that the artifacts go to. */
  readonly folder: string;
};

/** One tensorfile: a sample of the training data in, preprocessed batches out, under `folder`. */
export type TensorfileTask = {
  readonly architecture: TensorfileModule;
  readonly experimentSpec: SpecSource;
  readonly dataRoot: DataRoot;
  readonly maxBatches: number;
  readonly useValidationSet: boolean;
  readonly seed: number;
  readonly maxBrokenPercent?: number;
  readonly tensorfileKey: string;
  readonly folder: string;
};

/** One engine: stage, build and publish all read the same task. */
export type EngineTask = {
  readonly deviceClass: string;
  readonly backend: Backend;
  readonly computeCapability?: string;
  readonly dataType: DataType;
  readonly maxBatchSize: number;
  readonly maxWorkspaceSizeBytes: number;
  readonly etlt: Source;
  readonly calibrationCache?: Source;
  readonly verification?: Source;
  /** Layers that stay float, where the builder has to be told beside the scales: names and patterns with `*`. */
  readonly keepFloat?: readonly string[];
  readonly options: Readonly<Record<string, string>>;
  readonly engineKey: string;
  readonly folder: string;
};

/** `build-request.json`: what a build driver gets. Paths are absolute, sizes in bytes, shapes as [N,C,H,W]. */
export type BuildRequest = {
  readonly model: string;
  readonly engine: string;
  readonly report: string;
  readonly computeCapability?: string;
  readonly inputName: string;
  readonly minShape: readonly number[];
  readonly optShape: readonly number[];
  readonly maxShape: readonly number[];
  readonly workspaceBytes: number;
  /** Tensors that layers write which have to compute in float. */
  readonly floatOutputs?: readonly string[];
  /** Where an engine is run beside the float graph: what its outputs hold. */
  readonly outputRoles: OutputRoles;
  readonly options: Readonly<Record<string, string>>;
};

/** `build-report.json`: what a build driver tells. */
export type BuildReport = {
  readonly runtime: { readonly name: string; readonly version: string };
  readonly seconds: number;
  readonly warnings: readonly string[];
  /** Where the engine could be run; numbers as EngineBuilt has them. */
  readonly latency?: EngineBuilt['latency'];
  readonly agreement?: EngineBuilt['agreement'];
};
