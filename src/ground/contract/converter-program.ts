/** The program `tlt-converter`: an engine from an exported model. One-letter flags and defaults are those of NVIDIA's. */
import { dataTypes } from './architectures.ts';
import { int8Flags } from './calibration-flags.ts';
import { defaults } from './defaults.ts';
import { deploymentFlags, moduleFlags } from './deployment-flags.ts';
import type { FlagTable, ValuesOf } from './flag-table.ts';
import { numberLimits } from './number-limits.ts';
import { program } from './program.ts';
import { codecFlag, general, keyFlags } from './shared-flags.ts';

/** Flags of `tlt-converter`. */
export const converterFlags = {
  ...keyFlags,
  ...codecFlag,
  engine_file: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['e'],
    default: './saved.engine',
    help: 'Path of the engine. An existing file is never overwritten.',
  },
  data_type: {
    type: 'choice',
    values: dataTypes,
    aliases: ['t'],
    default: defaults.dataType,
    help: 'Precision of the engine; int8 reads the calibration cache.',
  },
  cal_cache_file: {
    type: 'text',
    placeholder: 'FILE',
    aliases: ['c'],
    default: defaults.calibrationCacheFile,
    help: 'The int8 calibration cache of this model, in the format of TensorRT.',
  },
  strict_type_constraints: {
    type: 'switch',
    aliases: ['s'],
    help: 'Do not let TensorRT choose another precision for speed in int8 and fp16 engines.',
  },
  keep_float: int8Flags.keep_float,
  trained_scales: {
    type: 'switch',
    added: true,
    help: 'The scales of the cache are those of quantisation-aware training, which leaves some tensors out.',
  },
  input_dims: {
    type: 'text',
    placeholder: 'C,H,W',
    aliases: ['d'],
    help: 'Input size: channels, height and width. Required only if the graph leaves it open.',
  },
  input_order: {
    type: 'choice',
    values: ['nchw', 'nhwc', 'nc'],
    aliases: ['i'],
    default: 'nchw',
    help: 'Input layout. The graph of an exported model takes nchw; the other two belong to UFF graphs and are refused.',
  },
  output_nodes: {
    type: 'text',
    placeholder: 'NAMES',
    aliases: ['o'],
    help: 'Outputs of the engine, separated by commas. Default: all outputs of the graph.',
  },
  batch_size: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.batchSize,
    placeholder: 'N',
    aliases: ['b'],
    default: defaults.batchSize,
    help: 'Batch size that the engine is optimised for, at most -m.',
  },
  max_batch_size: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.maxBatchSize,
    placeholder: 'N',
    aliases: ['m'],
    default: defaults.maxBatchSize,
    help: 'Maximum batch size of the engine.',
  },
  profile: {
    type: 'list',
    placeholder: 'NAME,MIN,OPT,MAX',
    aliases: ['p'],
    help: 'Optimisation profile instead of -b and -m, for a graph with a free batch size: the input and its smallest, most likely and largest shape, for example input_1,1x3x544x960,4x3x544x960,16x3x544x960.',
  },
  max_workspace_size: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.maxWorkspaceSize,
    placeholder: 'BYTES',
    aliases: ['w'],
    default: defaults.maxWorkspaceSize,
    help: 'Scratch memory that the engine builder may use, in bytes.',
  },
  dla_core: {
    type: 'integer',
    minimum: 0,
    maximum: numberLimits.dlaCore,
    placeholder: 'N',
    aliases: ['u'],
    help: 'Core of the Deep Learning Accelerator of a Jetson; layers that it cannot run are run by the GPU.',
  },
  backend: {
    type: 'choice',
    values: ['TensorRt', 'TensorRtRtx', 'OnnxRuntime'],
    default: 'TensorRt',
    added: true,
    help: 'Builder: TensorRT for the GPU of this machine, TensorRT for RTX for --compute_capability without a GPU, or ONNX Runtime for this CPU.',
  },
  compute_capability: {
    type: 'text',
    placeholder: 'X.Y',
    added: true,
    help: 'GPU compute capability, for example 8.6: TensorRtRtx builds for it, and TensorRt refuses a GPU of another one.',
  },
  tensorrt_version: {
    type: 'text',
    placeholder: 'X.Y.Z',
    added: true,
    help: 'TensorRT version that must build. Default: the installed one.',
  },
  python: {
    type: 'text',
    placeholder: 'FILE',
    default: 'python3',
    added: true,
    help: 'Python interpreter with the module tensorrt or tensorrt_rtx.',
  },
  ...deploymentFlags,
  ...moduleFlags,
  ...general,
  verbose: { ...general.verbose, help: 'Log at debug level: all lines of the builder.' },
} as const satisfies FlagTable;
export type ConverterValues = ValuesOf<typeof converterFlags>;

/** The program `tlt-converter`. */
export const converterProgram = program({
  name: 'tlt-converter',
  summary:
    'Builds an engine from an exported model: decrypts the .etlt in memory, plans the build, and runs it.',
  operands: { kind: 'files', placeholder: 'MODEL', max: 1 },
  flags: converterFlags,
  groups: [
    {
      title: 'Model',
      flags: ['key', 'key_file', 'codec_command', 'input_dims', 'input_order', 'output_nodes'],
    },
    {
      title: 'Precision',
      flags: ['data_type', 'cal_cache_file', 'strict_type_constraints', 'keep_float', 'trained_scales'],
    },
    {
      title: 'Engine',
      flags: [
        'engine_file',
        'batch_size',
        'max_batch_size',
        'profile',
        'max_workspace_size',
        'dla_core',
        'backend',
        'compute_capability',
        'tensorrt_version',
        'python',
      ],
    },
    {
      title: 'Deployment',
      flags: ['deployment', 'architecture', 'experiment_spec', 'classmap_json', 'key_in_config'],
    },
    { title: 'Output', flags: ['verbose', 'help'] },
  ],
  isFromTlt: true,
  details: [
    "MODEL is an .etlt of tlt-export, an .etlt that --codec_command decrypts, or a plain .onnx, which needs no key. NVIDIA's tlt-converter has the one-letter flags, with the same defaults; their long names are those of tlt-export. It also converts UFF graphs, which TensorRT 9 and later cannot read; they are refused here.",
    'The engine is the one that tlt-export --engine_file builds from the same model, scales and options; but for int8 in ONNX Runtime, tlt-export also chooses scales on held-out images.',
  ],
  examples: [
    '# for the GPU of this machine:',
    'tlt-converter -t int8 -c calibration.bin -m 8 -e detector.engine --key_file key.txt detector.etlt',
    '# for another GPU, on a machine without one:',
    'tlt-converter -t fp16 --backend TensorRtRtx --compute_capability 8.6 --python venv/bin/python \\',
    '    --key_file key.txt -e detector.engine detector.etlt',
    '# on a Jetson, for the accelerator:',
    'tlt-converter -t int8 -c calibration.bin -u 0 -m 1 --key_file key.txt detector.etlt',
  ],
});
