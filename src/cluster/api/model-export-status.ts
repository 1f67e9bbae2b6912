/** The status of a ModelExport. Everything is optional: status can be lost and is found again. */
import { dataTypes, scaleOrigins } from '../../ground/contract/architectures.ts';
import { conditionsSchema } from './conditions.ts';
import { integer, keyedList, list, object, oneOf, text } from './schema.ts';
import { sha256, unseen } from './shared-schemas.ts';

const uri = text('URI of the file.', { maxLength: 2048 });
const digest = sha256('SHA-256 of the file.');
const sizeBytes = integer('Size of the file in bytes.', { format: 'int64', minimum: 0 });
const node = text('A node of the graph.', { maxLength: 512 });

/** Decimal numbers are strings: floats do not survive a round trip through every client. */
const decimal = (description: string) =>
  text(description, { maxLength: 32, pattern: '^-?[0-9]+([.][0-9]+)?$|^inf$' });

const hardware = object('The node that the engine was built on, as its labels tell.', {
  node: text('Name of the node.'),
  product: text('GPU product.'),
  computeCapability: text('CUDA compute capability, for example 8.6.', { maxLength: 16 }),
  driver: text('Version of the GPU driver.', { maxLength: 64 }),
  arch: text('Processor architecture, for example amd64.', { maxLength: 64 }),
  migProfile: text('MIG profile, where the GPU is partitioned.', { maxLength: 64 }),
});

const engine = object(
  'The engine of one device class.',
  {
    deviceClass: text('Name of the ExportDeviceClass.', { maxLength: 63 }),
    conditions: conditionsSchema,
    dataType: oneOf(dataTypes, 'Precision that the spec asks for.'),
    wantedKey: text('Content key of the engine that the spec asks for, once it is known.', { maxLength: 64 }),
    key: text('Content key of the engine that is stored.', { maxLength: 64 }),
    uri,
    sha256: digest,
    sizeBytes,
    attempts: integer('Pods that the latest Job has started.', { minimum: 0 }),
    hardware,
    runtime: object('What the engine runs on.', {
      name: text('Engine backend.', { maxLength: 64 }),
      version: text('Its version; the engine runs on no other one unless the vendor says so.', {
        maxLength: 64,
      }),
    }),
    latency: object('Time of one run, measured where the engine was built.', {
      p50Microseconds: integer('Median at batch 1, in microseconds.', { format: 'int64', minimum: 0 }),
    }),
    agreement: object('How well it agrees with the float model on images kept out of calibration.', {
      images: integer('How many images.', { minimum: 0 }),
      sqnrDb: decimal('Signal to quantisation noise of the outputs, in decibel.'),
      top1: decimal('Share of images with the same first class, 0 to 1; classifiers only.'),
      matchedBoxes: decimal('Share of boxes that both find, 0 to 1; detectors with boxes only.'),
    }),
  },
  { required: ['deviceClass'] },
);

const artifact = { uri, sha256: digest, sizeBytes } as const;
const artifactFields = ['uri', 'sha256', 'sizeBytes'] as const;

const etlt = object(
  'The encrypted, device-independent model.',
  { ...artifact, inputNode: node, outputNodes: list('Output nodes.', node, { maxItems: 64 }) },
  { required: [...artifactFields, 'inputNode', 'outputNodes'] },
);

const calibrationCache = object(
  'The int8 calibration cache, in the text format of TensorRT.',
  {
    ...artifact,
    algorithm: oneOf(scaleOrigins, 'How thresholds were chosen; Trained: by the training with quantisation.'),
    tensors: integer('Tensors in it.', { minimum: 0 }),
    batches: integer('Batches that it was made from.', { minimum: 0 }),
    images: integer('Images that it was made from.', { minimum: 0 }),
  },
  { required: [...artifactFields, 'algorithm', 'tensors', 'batches', 'images'] },
);

const inputs = object('SHA-256 of what the export read, as the pod found it.', {
  model: sha256('Of the model file.'),
  spec: sha256('Of the text of the experiment spec.'),
  images: sha256('Of the names and sizes of the calibration images.'),
  tensorfile: sha256('Of the tensorfile.'),
  trainingData: sha256('Of the names and sizes of the images that the data loader drew.'),
});

const exported = object('The export: one for all device classes. It stays while another one is made.', {
  wantedKey: text('Content key of the export that the spec asks for, once it is known.', { maxLength: 64 }),
  key: text('Content key of the export that is stored.', { maxLength: 64 }),
  retry: text('The retry annotation that the export has answered.', { maxLength: 256 }),
  etlt,
  codecEtlt: object('The same model encrypted by spec.codec, for programs that read its cipher.', artifact, {
    required: artifactFields,
  }),
  calibrationCache,
  calibrationTensorfile: object(
    'The file of the CalibrationTensorfile that the export was calibrated from.',
    { name: text('Name of the CalibrationTensorfile.'), uri, sha256: digest },
    { required: ['name', 'uri', 'sha256'] },
  ),
  verification: object(
    'Preprocessed images kept out of calibration, with which engines are verified.',
    artifact,
    { required: artifactFields },
  ),
  report: object(
    'The report of the export: its numbers as JSON, and a page for a browser.',
    { uri, pageUri: uri },
    { required: ['uri'] },
  ),
  inputs,
});

export const modelExportStatusSchema = object(
  'What was found, done and made.',
  {
    observedGeneration: integer(
      'The metadata.generation that this status describes; -1 before the first look.',
      { format: 'int64', minimum: -1 },
    ),
    conditions: conditionsSchema,
    export: exported,
    engines: keyedList('One entry for each device class.', engine, { key: 'deviceClass', maxItems: 64 }),
    enginesReady: text('Engines built, of engines asked for, for example 2/3.', { maxLength: 16 }),
    engineCount: integer('Engines asked for.', { minimum: 0 }),
    enginesBuilt: integer('Engines built for the present spec.', { minimum: 0 }),
    progress: text('What is being done, in a few words.', { maxLength: 256 }),
  },
  { default: unseen },
);
