/**
 * Flags of `tlt-export` and `tlt-int8-tensorfile`; parser, `--help` and reference pages are derived from here. Names, aliases
 * and defaults are those of TLT 2.0; rows marked `added` are not in TLT.
 */
import { dataTypes } from './architectures.ts';
import { preferences } from './backends.ts';
import { calibrationDataFlags, int8Flags } from './calibration-flags.ts';
import { defaults } from './defaults.ts';
import { deploymentFlags } from './deployment-flags.ts';
import type { FlagTable, ValuesOf } from './flag-table.ts';
import { modelFlags } from './model-flags.ts';
import { numberLimits } from './number-limits.ts';
import { codecFlag, dataFlags, general, keyFlags, maxBrokenFlag, seedFlag } from './shared-flags.ts';

/** Flags of `tlt-export`. */
export const exportFlags = {
  model: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['m'],
    required: true,
    help: 'The trained model: .tlt, plain .onnx, or Keras .hdf5.',
  },
  ...keyFlags,
  ...codecFlag,
  output_file: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['o'],
    help: 'Path of the exported model (default: ./<input_file>.etlt). An existing file is never overwritten.',
  },
  experiment_spec: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['e'],
    help: "The training's spec; required for faster_rcnn, ssd, dssd, yolo and retinanet. Its means and channel order apply to --cal_image_dir. Without other calibration data, int8 calibrates on the training's own images, read as its data loader does.",
  },
  ...dataFlags,
  ...modelFlags,
  data_type: {
    type: 'choice',
    values: dataTypes,
    default: defaults.dataType,
    help: 'Precision of the engine; int8 creates a calibration cache.',
  },
  strict_type_constraints: {
    type: 'switch',
    aliases: ['s'],
    help: 'Do not let the builder of --engine_backend TensorRt choose another precision for speed in int8 and fp16 engines. Other backends never do: each layer has the precision that the graph specifies.',
  },
  ...calibrationDataFlags,
  max_batch_size: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.maxBatchSize,
    placeholder: 'N',
    default: defaults.maxBatchSize,
    help: 'Maximum batch size of the engine.',
  },
  max_workspace_size: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.maxWorkspaceSize,
    placeholder: 'BYTES',
    default: defaults.maxWorkspaceSize,
    help: 'Scratch memory that the engine builder may use, in bytes.',
  },
  engine_file: {
    type: 'text',
    placeholder: 'FILE',
    help: 'Also build an engine, for this machine or for --compute_capability, and write it to this file.',
  },
  force_ptq: {
    type: 'switch',
    help: 'Ignore the scales of a model trained with quantisation (QAT) and calibrate instead; required for Jetson DLA.',
  },
  seed: { ...seedFlag, help: 'Seed of the image sample. The same seed gives the same cache.' },
  max_broken: maxBrokenFlag,
  ...int8Flags,
  tensorrt_version: {
    type: 'text',
    placeholder: 'X.Y.Z',
    default: defaults.tensorRtVersion,
    added: true,
    help: 'TensorRT version that will read the cache; written to its first line. With --engine_backend TensorRt, the version that builds.',
  },
  engine_backend: {
    type: 'choice',
    values: ['OnnxRuntime', 'TensorRtRtx', 'TensorRt'],
    default: 'OnnxRuntime',
    added: true,
    help: 'Backend of --engine_file: ONNX Runtime for this CPU, TensorRT for RTX for --compute_capability, or TensorRT for the GPU of this machine.',
  },
  prefer: {
    type: 'choice',
    values: preferences,
    default: 'Precision',
    added: true,
    help: 'With --data_type int8 and --engine_backend OnnxRuntime, Fastest writes a float engine where int8 is slower on this machine, or misses --min_agreement.',
  },
  compute_capability: {
    type: 'text',
    placeholder: 'X.Y',
    added: true,
    help: 'GPU compute capability that TensorRtRtx builds for, for example 8.6. No GPU is needed to build.',
  },
  report: {
    type: 'text',
    placeholder: 'FILE.html',
    added: true,
    help: "Write an HTML report with every tensor's histogram and the accuracy cost of int8; its figures are also written to FILE.json.",
  },
  python: {
    type: 'text',
    placeholder: 'FILE',
    default: 'python3',
    added: true,
    help: 'Python interpreter with the module tensorrt_rtx or tensorrt, for --engine_backend TensorRtRtx or TensorRt.',
  },
  ...deploymentFlags,
  ...general,
} as const satisfies FlagTable;
export type ExportValues = ValuesOf<typeof exportFlags>;

/** Flags of `tlt-int8-tensorfile`. */
export const tensorfileFlags = {
  experiment_spec_file: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['e', 'experiment_spec'],
    required: true,
    help: "The training's spec, which names the images, their preprocessing and the batch size.",
  },
  output_path: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['o', 'output'],
    required: true,
    help: 'Path of the tensorfile. An existing file is never overwritten.',
  },
  max_batches: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.batches,
    placeholder: 'N',
    aliases: ['m'],
    required: true,
    help: 'Number of batches to write.',
  },
  use_validation_set: { type: 'switch', help: 'Sample the validation set instead of the training set.' },
  ...dataFlags,
  seed: { ...seedFlag, help: 'Seed of the image sample. The same seed gives the same file, byte for byte.' },
  max_broken: maxBrokenFlag,
  ...general,
  verbose: {
    ...general.verbose,
    help: 'Log at debug level: the images of each batch, and the fields of the spec that are not used.',
  },
} as const satisfies FlagTable;
export type TensorfileValues = ValuesOf<typeof tensorfileFlags>;

/** Modules of `tlt-int8-tensorfile`. */
export const tensorfileModules = ['classification', 'detectnet_v2', 'ssd', 'dssd'] as const;
export type TensorfileModule = (typeof tensorfileModules)[number];
