/** The flags of `tlt-export` that are about int8: what calibrates it, how its scales come about, and what it may cost. */
import { algorithms } from './architectures.ts';
import { defaults } from './defaults.ts';
import type { FlagTable } from './flag-table.ts';
import { numberLimits } from './number-limits.ts';

export const calibrationDataFlags = {
  cal_data_file: {
    type: 'text',
    placeholder: 'FILE',
    help: 'Calibration tensorfile; with --cal_image_dir, where one is written.',
  },
  cal_image_dir: {
    type: 'text',
    placeholder: 'FOLDER',
    help: 'Folder of .jpg, .jpeg and .png images to calibrate with; needs batches × batch_size of them.',
  },
  cal_cache_file: {
    type: 'text',
    placeholder: 'FILE',
    default: defaults.calibrationCacheFile,
    help: 'Where the int8 calibration cache goes. One that is there is used again, and that is said.',
  },
  cal_histogram_file: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: 'Where the histograms of the calibration go. From one that is there the thresholds are computed without a look at any image, so --cal_algorithm can be changed in seconds.',
  },
  cal_part: {
    type: 'text',
    placeholder: 'I/N',
    added: true,
    help: 'Only count part I of N of the calibration images into --cal_histogram_file, and export nothing. tlt-model merge-histograms adds the parts.',
  },
  cal_json_file: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: 'Where the scales of a model trained with quantisation go as JSON, for any --data_type, as later versions have it: the range of each tensor by its name.',
  },
  batches: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.batches,
    placeholder: 'N',
    default: defaults.batches,
    help: 'Batches to calibrate with.',
  },
  batch_size: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.batchSize,
    placeholder: 'N',
    default: defaults.batchSize,
    help: 'Images in a calibration batch.',
  },
} as const satisfies FlagTable;

export const int8Flags = {
  cal_algorithm: {
    type: 'choice',
    values: algorithms,
    default: defaults.algorithm,
    added: true,
    help: 'How the threshold of a tensor is chosen from its histogram.',
  },
  keep_float: {
    type: 'text',
    placeholder: 'NAMES',
    added: true,
    help: 'Layers that stay float in an int8 engine, separated by commas, with * for any characters: what they compute from has no scale.',
  },
  sensitivity: {
    type: 'switch',
    added: true,
    help: 'Run each layer alone in int8 on images kept out of calibration, and tell in the log and in --report which ones cost most and what leaving them in float (--keep_float) gains.',
  },
  require_int8: {
    type: 'switch',
    added: true,
    help: 'Fail, and write nothing, where no layer or less than half of the arithmetic would compute in int8. Otherwise that is a warning with the reasons.',
  },
  min_agreement: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.minAgreement,
    placeholder: 'DB',
    added: true,
    help: 'Least signal-to-noise ratio, in decibel, of the int8 outputs against the float ones on images kept out of calibration. Below it the export fails and writes nothing.',
  },
} as const satisfies FlagTable;
