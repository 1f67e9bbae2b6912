/** Tasks that the operator passes to pods. A task is public: it has names and locations, never a key. */
import type { Algorithm, Architecture, DataType, Equalization } from './architectures.ts';
import type { Backend } from './backends.ts';
import type { TensorfileModule } from './flags.ts';
import type { ModelSettings } from './model-settings.ts';
import type { OutputRoles } from './output-roles.ts';
import type { EngineBuilt } from './result.ts';
import type { S3Settings } from './s3-settings.ts';
import type { EngineSettings, TensorRtPlan } from './tensorrt-plan.ts';

/** A file, with its expected SHA-256 if the user or an earlier stage pinned it. */
export type Source = { readonly uri: string; readonly sha256?: string };

/** The experiment spec: at the URI, or in the mounted ConfigMap if there is none. */
export type SpecSource = Partial<Source>;

/** Where to find the files of an experiment spec. */
export type DataRoot = {
  readonly uri: string;
  /** Folder in absolute paths of the spec that the root replaces. */
  readonly pathInSpec?: string;
};

export type CalibrationTask = {
  /** `Model`: use the scales of quantisation-aware training in the model. */
  readonly source: 'ImageDirectory' | 'Tensorfile' | 'DataLoader' | 'Model';
  readonly imageDirectory?: Source;
  readonly tensorfile?: Source;
  readonly dataLoader?: { readonly dataRoot: DataRoot };
  readonly batches: number;
  readonly batchSize: number;
  readonly algorithm: Algorithm;
  /** Accuracy gate: minimum SQNR of int8 outputs against float, in decibel. Default: no gate. */
  readonly minAgreement?: number;
  /** Layers that stay float: names, or patterns with `*`. Default: none. */
  readonly keepFloat?: readonly string[];
  /** Whether to fail if less than half of the arithmetic would be int8. */
  readonly requireInt8?: boolean;
  /** Whether channels are equalised before convolutions where that gains accuracy. Default: off. */
  readonly equalize?: Equalization;
  /** Whether another calibration method replaces `algorithm` where that gains accuracy. Default: no. */
  readonly chooseAlgorithm?: boolean;
  /** Whether the report includes the accuracy cost of each layer. */
  readonly sensitivity?: boolean;
  /** Percentage of the requested images that may fail to decode. Default: 0. */
  readonly maxBrokenPercent?: number;
};

/** Parts of the calibration images that pods count at the same time. */
export type PartsTask = {
  /** Number of parts. */
  readonly of: number;
  /** URI of the folder of their histogram files. */
  readonly folder: string;
};

/** Task of an export pod: writes `.etlt`, calibration cache, verification tensor and report to `folder`. */
export type ExportTask = {
  readonly architecture: Architecture;
  readonly model: Source & ModelSettings;
  readonly dataType: DataType;
  readonly calibration?: CalibrationTask;
  readonly forcePtq: boolean;
  readonly experimentSpec?: SpecSource;
  /** External codec: a program in the container image that decrypts foreign models and encrypts a second `.etlt`. */
  readonly codec?: { readonly command: readonly string[] };
  readonly exportKey: string;
  /** How to reach object storage, if a URI of the task is in it. */
  readonly s3?: S3Settings;
  /** URI of the histogram file, which is reused if it exists and written otherwise. Default: not stored. */
  readonly histograms?: string;
  /** The images are counted in parts, whose histograms add up to those of `histograms`. Default: all in one pod. */
  readonly parts?: PartsTask;
  /** URI of the output folder. */
  readonly folder: string;
};

/** Task of a tensorfile pod: writes preprocessed batches of a sample of the training data to `folder`. */
export type TensorfileTask = {
  readonly architecture: TensorfileModule;
  readonly experimentSpec: SpecSource;
  readonly dataRoot: DataRoot;
  readonly maxBatches: number;
  readonly useValidationSet: boolean;
  readonly seed: number;
  readonly maxBrokenPercent?: number;
  /** How to reach object storage, if a URI of the task is in it. */
  readonly s3?: S3Settings;
  readonly tensorfileKey: string;
  readonly folder: string;
};

/** Task of an engine pod, shared by the containers stage, build and publish. */
export type EngineTask = {
  readonly deviceClass: string;
  readonly backend: Backend;
  readonly dataType: DataType;
  readonly maxBatchSize: number;
  readonly maxWorkspaceSizeBytes: number;
  readonly etlt: Source;
  readonly calibrationCache?: Source;
  /** Distributions of the calibration, for an int8 engine of ONNX Runtime. */
  readonly distributions?: Source;
  readonly verification?: Source;
  /** What serving must know of the network: `deployment.json` of the export. */
  readonly network?: Source;
  /** URI of the .etlt of the user's codec. */
  readonly encodedModel?: string;
  /** Image of the build container. */
  readonly image: string;
  /** Whether the scales come from quantisation-aware training. */
  readonly trained?: boolean;
  /** Layers of an int8 engine that stay float: names, or patterns with `*`. */
  readonly keepFloat?: readonly string[];
  /** Where the faster of int8 and float is stored: minimum SQNR of int8 against float, in decibel. Default: see `leastSqnrDb`. */
  readonly minAgreement?: number;
  readonly settings: EngineSettings;
  /** URI of the folder of timing caches, for builders that have them. */
  readonly timings?: string;
  /** How to reach object storage, if a URI of the task is in it. */
  readonly s3?: S3Settings;
  readonly engineKey: string;
  readonly folder: string;
};

/** The fields of an engine task that decide how the engine is built. */
export type EngineFacts = Pick<
  EngineTask,
  | 'backend'
  | 'dataType'
  | 'maxBatchSize'
  | 'maxWorkspaceSizeBytes'
  | 'keepFloat'
  | 'trained'
  | 'minAgreement'
  | 'settings'
>;

/** `build-request.json`, the input of a build driver. Paths are absolute, sizes in bytes, shapes [N,C,H,W]. */
export type BuildRequest = {
  readonly model: string;
  readonly engine: string;
  readonly report: string;
  readonly inputName: string;
  readonly outputNames: readonly string[];
  readonly minShape: readonly number[];
  readonly optShape: readonly number[];
  readonly maxShape: readonly number[];
  /** Where an engine is run beside the float graph: what its outputs hold. */
  readonly outputRoles: OutputRoles;
  /** Present if the faster of int8 and float is to be stored. */
  readonly fastest?: { readonly minAgreement?: number };
  readonly tensorRt?: TensorRtBuild;
  /** Timing caches of earlier builds to start from, and where to write what is known after this one. */
  readonly timingCaches?: readonly string[];
  readonly timingCache?: string;
};

/** What the TensorRT driver does, and what it needs of the model to do it and to prove it. */
export type TensorRtBuild = {
  readonly plan: TensorRtPlan;
  /** Tensor → scale, for a build by dynamic ranges. */
  readonly scales?: Readonly<Record<string, number>>;
  /** Tensors that int8 layers read: each needs a scale. */
  readonly int8Tensors?: readonly string[];
  /** Outputs of the layers that compute in int8, and of those kept in float. */
  readonly int8Outputs?: readonly string[];
  readonly keptOutputs?: readonly string[];
  /** QuantizeLinear nodes of the graph. */
  readonly quantisers?: number;
};

/** `build-report.json`, the output of a build driver. */
export type BuildReport = {
  readonly runtime: { readonly name: string; readonly version: string };
  readonly seconds: number;
  readonly warnings: readonly string[];
  /** Present if the engine could be run; in the format of EngineBuilt. */
  readonly latency?: EngineBuilt['latency'];
  readonly agreement?: EngineBuilt['agreement'];
  /** What the TensorRT driver found. */
  readonly evidence?: {
    /** How many int8 scales the network took of those that it was given. */
    readonly scales?: unknown;
    /** Layers by precision. */
    readonly layers?: unknown;
    /** Layers that a DLA leaves to the GPU. */
    readonly dla?: unknown;
    /** The GPU that the engine was built on, if it needed one. */
    readonly gpu?: { readonly computeCapability?: unknown };
    /** Paths of the timing caches that were combined. */
    readonly timingCaches?: unknown;
  };
  readonly integerOperators?: EngineBuilt['integerOperators'];
  readonly chosen?: EngineBuilt['chosen'];
  /** What the build chose, in a sentence. */
  readonly note?: string;
};
