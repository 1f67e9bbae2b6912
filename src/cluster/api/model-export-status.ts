/** The status of a ModelExport. Everything is optional: status can be lost and is found again. */
import { dataTypes } from '../../ground/contract/architectures.ts';
import {
  agreement,
  cacheFacts,
  digest,
  etltFacts,
  exportInputs,
  latency,
  runtime,
  sizeBytes,
} from '../../ground/contract/result-schema.ts';
import { integer, keyedList, object, oneOf, text } from '../../ground/contract/schema.ts';
import { conditionsSchema } from './conditions.ts';
import { lastHandledRequest, ledgerFields } from './ledger.ts';
import { observedGeneration, unseen } from './shared-schemas.ts';

const uri = text('URI of the file.', { maxLength: 2048 });

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
    key: text('Content key of the engine that is stored.', { maxLength: 64 }),
    uri,
    sha256: digest,
    sizeBytes,
    ...ledgerFields,
    hardware,
    runtime,
    latency,
    agreement,
  },
  { required: ['deviceClass'] },
);

const artifact = { uri, sha256: digest, sizeBytes } as const;
const artifactFields = ['uri', 'sha256', 'sizeBytes'] as const;

const etlt = object(
  'The encrypted, device-independent model.',
  { ...artifact, ...etltFacts },
  { required: [...artifactFields, 'payloadDigest', 'outputNodes'] },
);

const calibrationCache = object(
  'The int8 calibration cache, in the text format of TensorRT.',
  {
    ...artifact,
    ...cacheFacts,
  },
  { required: [...artifactFields, 'algorithm', 'tensors', 'batches', 'images'] },
);

const exported = object('The export: one for all device classes. It stays while another one is made.', {
  ...ledgerFields,
  key: text('Content key of the export that is stored.', { maxLength: 64 }),
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
  inputs: exportInputs,
});

export const modelExportStatusSchema = object(
  'What was found, done and made.',
  {
    observedGeneration,
    conditions: conditionsSchema,
    export: exported,
    engines: keyedList('One entry for each device class.', engine, { key: 'deviceClass', maxItems: 64 }),
    enginesReady: text('Engines built, of engines asked for, for example 2/3.', { maxLength: 16 }),
    engineCount: integer('Engines asked for.', { minimum: 0 }),
    enginesBuilt: integer('Engines built for the present spec.', { minimum: 0 }),
    progress: text('What is being done, in a few words.', { maxLength: 256 }),
    lastHandledRequest,
  },
  { default: unseen },
);
