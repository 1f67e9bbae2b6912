/** What `--help` and the reference pages say of a tool besides its flags. */
import { architectureNames } from './architectures.ts';
import { tensorfileModules } from './flags.ts';

export type Tool = {
  readonly name: string;
  readonly summary: string;
  readonly modules: readonly string[];
  /** Lines of a shell. */
  readonly examples: readonly string[];
};

export const exportTool: Tool = {
  name: 'tlt-export',
  summary:
    'Exports a trained model as an encrypted .etlt, makes the int8 calibration cache, and builds an engine if asked.',
  modules: architectureNames,
  examples: [
    'tlt-export classification -m resnet18.tlt --key_file key.txt -o resnet18.etlt',
    'tlt-export detectnet_v2 -m detector.tlt --key_file key.txt --data_type int8 \\',
    '    --cal_image_dir images/ --batches 10 --batch_size 8 --cal_cache_file calibration.bin',
    "# on the training's own images, as its spec names and preprocesses them:",
    'tlt-export detectnet_v2 -m detector.tlt --key_file key.txt --data_type int8 -e spec.txt',
  ],
};

export const tensorfileTool: Tool = {
  name: 'tlt-int8-tensorfile',
  summary:
    "Writes a random sample of a training's own images, preprocessed as the training does it, into a tensorfile. tlt-export --cal_data_file calibrates from it.",
  modules: tensorfileModules,
  examples: [
    'tlt-int8-tensorfile classification -e spec.cfg -m 10 -o calibration.tensor',
    'tlt-int8-tensorfile detectnet_v2 -e spec.txt -m 10 -o calibration.tensor --use_validation_set',
    '# the spec says /workspace/data, and the images lie in /home/me/data:',
    'tlt-int8-tensorfile ssd -e spec.txt -m 10 -o calibration.tensor \\',
    '    --path_in_spec /workspace/data --data_root /home/me/data',
    'tlt-export classification -m model.tlt --key_file key.txt --data_type int8 \\',
    '    --cal_data_file calibration.tensor --batches 10 --batch_size 8',
  ],
};
