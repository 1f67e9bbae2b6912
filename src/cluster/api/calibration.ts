/** `spec.calibration` of a ModelExport: the int8 calibration data, and how thresholds are chosen. */
import { algorithms, equalizations } from '../../ground/contract/architectures.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import { numberLimits } from '../../ground/contract/number-limits.ts';
import { sha256 } from '../../ground/contract/result-schema.ts';
import { flag, integer, list, object, oneOf, text } from '../../ground/contract/schema.ts';
import { orInImage } from './input-uri.ts';
import { dataRoot, maxBrokenPercent, nameLimit, storageUri } from './shared-schemas.ts';

const imageDirectory = object(
  'A folder of .jpg, .jpeg and .png images.',
  {
    uri: orInImage(storageUri('The folder.')),
    sha256: sha256(
      'Pins the images: the export fails if their digest differs. status.export.inputs.images reports the digest.',
    ),
  },
  { required: ['uri'] },
);

const tensorfile = object(
  'A calibration tensorfile: a file, or the CalibrationTensorfile that writes it.',
  {
    uri: orInImage(storageUri('The tensorfile.')),
    sha256: sha256('Pins the file at uri: the export fails if its digest differs.'),
    calibrationTensorfileRef: object(
      'A CalibrationTensorfile in this namespace. The export waits until it is ready, and runs again when its file changes.',
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
        message: 'set exactly one of uri and calibrationTensorfileRef',
      },
      {
        rule: '!has(self.sha256) || has(self.uri)',
        message: 'sha256 pins the file at uri: remove it when calibrationTensorfileRef is set',
      },
    ],
  },
);

const dataLoader = object(
  'The training data loader, which reads the data set that the experiment spec names.',
  { dataRoot },
  { required: ['dataRoot'] },
);

/** Schema of `spec.calibration`; its validations reject fields that the chosen `source` does not read. */
export const calibration = object(
  'The int8 calibration data, and how thresholds are chosen.',
  {
    source: oneOf(
      ['ImageDirectory', 'Tensorfile', 'DataLoader', 'Model'],
      'Source of the int8 scales. Model uses the scales of a model trained with quantization (QAT): no other data is required, and images, if any, are used only for comparison. With forcePtq the scales are discarded and another source is required.',
      { default: 'ImageDirectory' },
    ),
    imageDirectory,
    tensorfile,
    dataLoader,
    batches: integer('Number of batches to read for calibration.', {
      default: defaults.batches,
      minimum: 1,
      maximum: numberLimits.batches,
    }),
    batchSize: integer('Images per batch.', {
      default: defaults.batchSize,
      minimum: 1,
      maximum: numberLimits.batchSize,
    }),
    parallelism: integer(
      'Number of pods that count the calibration images at the same time, each a part of the sample. The calibration cache has the same bytes for any number. Each pod has the resources and placement of spec.jobs.export. Defaults to 1: the export pod counts them.',
      { minimum: 1, maximum: numberLimits.parallelism },
    ),
    algorithm: oneOf(algorithms, 'Algorithm that chooses the threshold of a tensor.', {
      default: defaults.algorithm,
    }),
    minAgreement: integer(
      'Accuracy gate: minimum signal-to-noise ratio, in dB, of every int8 output against its float output on held-out images. Below it the export fails and the message names the worst tensors. No gate if unset.',
      { minimum: 1, maximum: numberLimits.minAgreement },
    ),
    requireInt8: flag(
      'Fail the export if no layer, or less than half of the arithmetic, would run in int8. Otherwise the conditions and the report show a warning with the causes.',
    ),
    keepFloat: list(
      'Layers that stay float in int8 engines. Their inputs get no scale, so every layer that reads one of these inputs also stays float. Reports and messages list the layer names.',
      text('Name of a node or of an output tensor of a node. * matches any characters.', {
        minLength: 1,
        maxLength: 256,
      }),
      { maxItems: 64 },
    ),
    equalize: oneOf(
      equalizations,
      'With auto, scale the channels before convolutions so that one int8 scale fits them all, in the .etlt and in the calibration cache, if that brings int8 closer to float on held-out images. The network computes the same. The report and the manifest say what was gained.',
      { default: defaults.equalize },
    ),
    chooseAlgorithm: flag(
      'Compare the other calibration methods with algorithm on held-out images, and use the one whose int8 is closest to float, if that gains accuracy. With equalize, on each graph. The report and the manifest say what was gained.',
    ),
    sensitivity: flag(
      'Measure which layers lose the most accuracy in int8: each layer runs alone in int8 on held-out images. This takes about as long as the calibration. The report lists the results.',
    ),
    maxBrokenPercent,
  },
  {
    required: ['source', 'batches', 'batchSize', 'algorithm'],
    validations: [
      {
        rule: "self.source != 'ImageDirectory' || (has(self.imageDirectory) && !has(self.tensorfile) && !has(self.dataLoader))",
        message:
          'source ImageDirectory requires imageDirectory.uri and allows neither tensorfile nor dataLoader',
      },
      {
        rule: "self.source != 'Tensorfile' || (has(self.tensorfile) && !has(self.imageDirectory) && !has(self.dataLoader))",
        message: 'source Tensorfile requires tensorfile and allows neither imageDirectory nor dataLoader',
      },
      {
        rule: "self.source != 'DataLoader' || (has(self.dataLoader) && !has(self.tensorfile) && !has(self.imageDirectory))",
        message:
          'source DataLoader requires dataLoader.dataRoot.uri, the folder with the images of the experiment spec, and allows neither imageDirectory nor tensorfile',
      },
      {
        rule: "self.source != 'Model' || (!has(self.tensorfile) && !has(self.dataLoader) && (has(self.imageDirectory) || !has(self.minAgreement)))",
        message:
          'source Model allows neither tensorfile nor dataLoader, and minAgreement requires imageDirectory.uri with images to compare on',
      },
      {
        rule: "self.source != 'Tensorfile' || !has(self.minAgreement)",
        message:
          'minAgreement compares on held-out images, and a tensorfile has none: choose another source, or remove minAgreement',
      },
      {
        rule: "!(self.source in ['Tensorfile', 'DataLoader']) || !has(self.sensitivity) || !self.sensitivity",
        message:
          'sensitivity compares on held-out images, which only source ImageDirectory provides: choose that source, or remove sensitivity',
      },
      {
        rule: "!(self.source in ['Tensorfile', 'Model']) || !has(self.equalize) || self.equalize == 'off'",
        message:
          'equalize compares on held-out images after a calibration, which sources Tensorfile and Model do not provide: choose another source, or remove equalize',
      },
      {
        rule: "!(self.source in ['Tensorfile', 'Model']) || !has(self.chooseAlgorithm) || !self.chooseAlgorithm",
        message:
          'chooseAlgorithm compares on held-out images after a calibration, which sources Tensorfile and Model do not provide: choose another source, or remove chooseAlgorithm',
      },
      {
        rule: "!has(self.parallelism) || self.parallelism == 1 || self.source in ['ImageDirectory', 'Tensorfile']",
        message:
          'parallelism needs data that pods can read in parts, which sources DataLoader and Model do not provide: use source Tensorfile with a CalibrationTensorfile, or remove parallelism',
      },
      {
        rule: '!has(self.parallelism) || self.parallelism == 1 || !has(self.maxBrokenPercent) || self.maxBrokenPercent == 0',
        message:
          'parallelism counts the same images as one pod only if no broken image is replaced: remove maxBrokenPercent or parallelism',
      },
      {
        rule: '!has(self.parallelism) || self.parallelism <= self.batches * self.batchSize',
        message:
          'parallelism exceeds batches × batchSize, so some pods would have no image: lower parallelism',
      },
      {
        rule: "self.source != 'Tensorfile' || !has(self.maxBrokenPercent)",
        message:
          'maxBrokenPercent counts image files: remove it with source Tensorfile, or set it on the CalibrationTensorfile',
      },
    ],
  },
);
