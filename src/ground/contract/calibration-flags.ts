/** The int8 flags of `tlt-export`: calibration data, algorithm, accuracy gate. */
import { algorithms, equalizations } from './architectures.ts';
import { defaults } from './defaults.ts';
import type { FlagTable } from './flag-table.ts';
import { numberLimits } from './number-limits.ts';

/** Flags for calibration data and its results. */
export const calibrationDataFlags = {
  cal_data_file: {
    type: 'text',
    placeholder: 'FILE',
    help: 'Calibration tensorfile to read; with --cal_image_dir, the tensorfile to write.',
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
    help: 'Path of the int8 calibration cache. An existing file is reused, with a warning.',
  },
  cal_histogram_file: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: 'Path of the calibration histograms. With an existing file, thresholds are computed from it without reading images, so another --cal_algorithm takes seconds.',
  },
  cal_part: {
    type: 'text',
    placeholder: 'I/N',
    added: true,
    help: 'Only count part I of N of the calibration images into --cal_histogram_file; nothing is exported. tlt-model merge-histograms adds the parts.',
  },
  cal_json_file: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: 'Path of a JSON file with the tensor ranges of a model trained with quantisation (QAT), for any --data_type, in the format of TLT 3.0 and later.',
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

/** Flags for the calibration method, float layers and the accuracy gate. */
export const int8Flags = {
  cal_algorithm: {
    type: 'choice',
    values: algorithms,
    default: defaults.algorithm,
    added: true,
    help: 'Method that chooses the threshold of a tensor from its histogram.',
  },
  keep_float: {
    type: 'text',
    placeholder: 'NAMES',
    added: true,
    help: 'Layers to keep in float in an int8 engine, separated by commas; * matches any characters. Their inputs get no scale.',
  },
  equalize: {
    type: 'choice',
    values: equalizations,
    default: defaults.equalize,
    added: true,
    help: 'auto: scale the channels before convolutions so that one int8 scale fits them all, in the .etlt and in the cache, if that brings int8 closer to float on held-out images. The network computes the same. Takes up to four more passes over the images.',
  },
  choose_algorithm: {
    type: 'switch',
    added: true,
    help: 'Compare the other calibration methods with --cal_algorithm on held-out images, and use the one whose int8 is closest to float, if that gains accuracy. With --equalize auto, on each graph.',
  },
  sensitivity: {
    type: 'switch',
    added: true,
    help: 'Run each layer alone in int8 on held-out images, and show in the log and in --report which layers cost most accuracy and what --keep_float would gain.',
  },
  require_int8: {
    type: 'switch',
    added: true,
    help: 'Fail, and write nothing, if no layer, or less than half of the arithmetic, would run in int8. Without this flag, that is a warning with the reasons.',
  },
  min_agreement: {
    type: 'integer',
    minimum: 1,
    maximum: numberLimits.minAgreement,
    placeholder: 'DB',
    added: true,
    help: 'Accuracy gate: minimum signal-to-quantisation-noise ratio (SQNR), in decibel, of each int8 output against float on held-out images. Below it, the export fails and writes nothing.',
  },
} as const satisfies FlagTable;
