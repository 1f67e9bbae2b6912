/** The programs `tlt-export` and `tlt-int8-tensorfile`. */
import { architectureNames } from './architectures.ts';
import { exportFlags, tensorfileFlags, tensorfileModules } from './flags.ts';
import { program } from './program.ts';

/** The program `tlt-export`. */
export const exportProgram = program({
  name: 'tlt-export',
  summary:
    'Exports a trained model as an encrypted .etlt, creates the int8 calibration cache, and optionally builds an engine.',
  operands: { kind: 'module', values: architectureNames },
  flags: exportFlags,
  groups: [
    {
      title: 'Model',
      flags: ['model', 'key', 'key_file', 'codec_command', 'experiment_spec', 'output_file'],
    },
    { title: 'Network', flags: ['input_node', 'output_nodes', 'input_dims', 'preprocess'] },
    {
      title: 'Precision',
      flags: [
        'data_type',
        'strict_type_constraints',
        'force_ptq',
        'keep_float',
        'equalize',
        'choose_algorithm',
        'min_agreement',
        'require_int8',
        'sensitivity',
      ],
    },
    {
      title: 'Calibration data',
      flags: [
        'cal_image_dir',
        'cal_data_file',
        'batches',
        'batch_size',
        'seed',
        'max_broken',
        'data_root',
        'path_in_spec',
      ],
    },
    {
      title: 'Calibration results',
      flags: [
        'cal_cache_file',
        'cal_algorithm',
        'cal_histogram_file',
        'cal_part',
        'cal_json_file',
        'tensorrt_version',
      ],
    },
    {
      title: 'Engine',
      flags: [
        'engine_file',
        'engine_backend',
        'prefer',
        'compute_capability',
        'max_batch_size',
        'max_workspace_size',
        'python',
      ],
    },
    { title: 'Deployment', flags: ['deployment', 'classmap_json', 'key_in_config'] },
    { title: 'Output', flags: ['report', 'verbose', 'help'] },
  ],
  isFromTlt: true,
  details: [
    'All outputs get their names together, after the last one is complete: a run that fails leaves none. The exit code tells why it failed (docs/reference/exit-codes.md).',
  ],
  examples: [
    '# encrypt the model for deployment:',
    'tlt-export classification -m resnet18.tlt --key_file key.txt -o resnet18.etlt',
    '# int8, calibrated with images like those that the device will see:',
    'tlt-export detectnet_v2 -m detector.tlt --key_file key.txt --data_type int8 \\',
    '    --cal_image_dir images/ --batches 10 --batch_size 8 --cal_cache_file calibration.bin',
    "# int8, calibrated on the training's own images, preprocessed as in its spec:",
    'tlt-export detectnet_v2 -m detector.tlt --key_file key.txt --data_type int8 -e spec.txt -o trained.etlt',
  ],
});

/** The program `tlt-int8-tensorfile`. */
export const tensorfileProgram = program({
  name: 'tlt-int8-tensorfile',
  summary:
    'Writes a random sample of the training images, preprocessed as in training, to a tensorfile for tlt-export --cal_data_file.',
  operands: { kind: 'module', values: tensorfileModules },
  flags: tensorfileFlags,
  groups: [
    { title: 'Input', flags: ['experiment_spec_file', 'data_root', 'path_in_spec', 'use_validation_set'] },
    { title: 'Sample', flags: ['max_batches', 'seed', 'max_broken'] },
    { title: 'Output', flags: ['output_path', 'verbose', 'help'] },
  ],
  isFromTlt: true,
  details: [],
  examples: [
    'tlt-int8-tensorfile classification -e spec.cfg -m 10 -o calibration.tensor',
    '# images that the training did not learn from:',
    'tlt-int8-tensorfile detectnet_v2 -e detectnet.txt -m 10 -o validation.tensor --use_validation_set',
    '# the spec has paths below /workspace/data, and the images are in data/:',
    'tlt-int8-tensorfile ssd -e ssd.txt -m 10 -o ssd.tensor --path_in_spec /workspace/data --data_root data',
    '# then export with the sample:',
    'tlt-export classification -m model.tlt --key_file key.txt --data_type int8 \\',
    '    --cal_data_file calibration.tensor --batches 10 --batch_size 8',
  ],
});
