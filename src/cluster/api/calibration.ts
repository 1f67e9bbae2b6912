/** `spec.calibration` of a ModelExport: which data int8 is calibrated on, and how thresholds are chosen. */
import { algorithms } from '../../ground/contract/architectures.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import { numberLimits } from '../../ground/contract/number-limits.ts';
import { sha256 } from '../../ground/contract/result-schema.ts';
import { flag, integer, list, object, oneOf, text } from '../../ground/contract/schema.ts';
import { dataRoot, maxBrokenPercent, nameLimit, storageUri } from './shared-schemas.ts';

const imageDirectory = object(
  'A folder of .jpg, .jpeg and .png images.',
  {
    uri: storageUri('The folder.'),
    sha256: sha256(
      'Pins the images: the export fails if their digest is another one. status.export.inputs.images has it.',
    ),
  },
  { required: ['uri'] },
);

const tensorfile = object(
  'A calibration tensorfile: a file, or the CalibrationTensorfile that makes it.',
  {
    uri: storageUri('Where the tensorfile lies.'),
    sha256: sha256('Pins the file of uri: the export fails if it is another one.'),
    calibrationTensorfileRef: object(
      'A CalibrationTensorfile of this namespace. The export waits until it is ready, and is made again when it makes another file.',
      {
        name: text('Name of the CalibrationTensorfile.', {
          minLength: 1,
          maxLength: nameLimit,
        }),
      },
      { required: ['name'] },
    ),
  },
  {
    validations: [
      {
        rule: 'has(self.uri) != has(self.calibrationTensorfileRef)',
        message: 'give the tensorfile by uri or by calibrationTensorfileRef, one of the two',
      },
      {
        rule: '!has(self.sha256) || has(self.uri)',
        message: 'sha256 pins the file of uri: with calibrationTensorfileRef leave it out',
      },
    ],
  },
);

const dataLoader = object(
  'The training data loader: it reads what the experiment spec names.',
  { dataRoot },
  { required: ['dataRoot'] },
);

export const calibration = object(
  'Where the int8 calibration data come from, and how thresholds are chosen.',
  {
    source: oneOf(
      ['ImageDirectory', 'Tensorfile', 'DataLoader', 'Model'],
      'Which kind of calibration data. A model that was trained with quantisation brings its scales with it, unless forcePtq is true: Model needs nothing else, and images only compare.',
      { default: 'ImageDirectory' },
    ),
    imageDirectory,
    tensorfile,
    dataLoader,
    batches: integer('Batches read for calibration.', {
      default: defaults.batches,
      minimum: 1,
      maximum: numberLimits.batches,
    }),
    batchSize: integer('Images in a batch.', {
      default: defaults.batchSize,
      minimum: 1,
      maximum: numberLimits.batchSize,
    }),
    algorithm: oneOf(algorithms, 'How the threshold of a tensor is chosen.', { default: defaults.algorithm }),
    minAgreement: integer(
      'Least signal-to-noise ratio, in decibel, of each int8 output against the float one on images kept out of calibration. Below it the export fails with the worst tensors named. No gate if left out.',
      { minimum: 1, maximum: numberLimits.minAgreement },
    ),
    requireInt8: flag(
      'Whether the export fails where no layer or less than half of the arithmetic would compute in int8; otherwise conditions and report warn with the reasons.',
    ),
    keepFloat: list(
      'Layers that stay float in int8 engines: what they compute from has no scale, so every layer that reads it stays float. Reports and messages name them.',
      text('Name of a node, or of a tensor that a node writes; a * stands for any characters.', {
        minLength: 1,
        maxLength: 256,
      }),
      { maxItems: 64 },
    ),
    sensitivity: flag(
      'Whether the report also says which layers cost most in int8: each one runs alone in int8 on images kept out of calibration, which takes about as long as the calibration again.',
    ),
    maxBrokenPercent,
  },
  {
    required: ['source', 'batches', 'batchSize', 'algorithm'],
    validations: [
      {
        rule: "self.source != 'ImageDirectory' || (has(self.imageDirectory) && !has(self.tensorfile) && !has(self.dataLoader))",
        message: 'source ImageDirectory takes imageDirectory.uri, and neither tensorfile nor dataLoader',
      },
      {
        rule: "self.source != 'Tensorfile' || (has(self.tensorfile) && !has(self.imageDirectory) && !has(self.dataLoader))",
        message: 'source Tensorfile takes tensorfile, and neither imageDirectory nor dataLoader',
      },
      {
        rule: "self.source != 'DataLoader' || (has(self.dataLoader) && !has(self.tensorfile) && !has(self.imageDirectory))",
        message:
          'source DataLoader takes dataLoader.dataRoot.uri, below which the images of the experiment spec lie, and neither imageDirectory nor tensorfile',
      },
      {
        rule: "self.source != 'Model' || (!has(self.tensorfile) && !has(self.dataLoader) && (has(self.imageDirectory) || !has(self.minAgreement)))",
        message:
          'source Model takes neither tensorfile nor dataLoader, and for minAgreement an imageDirectory.uri with images to compare on',
      },
      {
        rule: "self.source != 'Tensorfile' || !has(self.minAgreement)",
        message:
          'minAgreement compares on images that calibration did not see, and a tensorfile names none: take another source, or leave minAgreement out',
      },
      {
        rule: "!(self.source in ['Tensorfile', 'DataLoader']) || !has(self.sensitivity) || !self.sensitivity",
        message:
          'sensitivity compares on images that calibration did not see, which source ImageDirectory alone keeps: take that source, or leave sensitivity out',
      },
      {
        rule: "self.source != 'Tensorfile' || !has(self.maxBrokenPercent)",
        message:
          'maxBrokenPercent counts image files: with source Tensorfile leave it out, or set it where the tensorfile is made',
      },
    ],
  },
);
