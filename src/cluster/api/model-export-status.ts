/** The status of a ModelExport. All fields are optional: a lost status is rebuilt from Jobs and stored artifacts. */
import { dataTypes } from '../../ground/contract/architectures.ts';
import {
  agreement,
  chosen,
  evidence,
  integerOperators,
  latency,
  runtime,
} from '../../ground/contract/engine-schema.ts';
import {
  cacheFacts,
  digest,
  etltFacts,
  exportInputs,
  sizeBytes,
} from '../../ground/contract/result-schema.ts';
import { integer, keyedList, object, oneOf, text } from '../../ground/contract/schema.ts';
import { conditionsSchema } from './conditions.ts';
import { lastHandledRequest, ledgerFields } from './ledger.ts';
import { running } from './running.ts';
import { observedGeneration, progress, statusExtras, fileUri as uri } from './shared-schemas.ts';

const hardware = object('Hardware of the node that built the engine, from its labels.', {
  node: text('Name of the node.'),
  product: text('GPU product.'),
  computeCapability: text('CUDA compute capability, for example 8.6.', { maxLength: 16 }),
  driver: text('GPU driver version.', { maxLength: 64 }),
  arch: text('CPU architecture, for example amd64.', { maxLength: 64 }),
  migProfile: text('MIG profile, if the GPU is partitioned.', { maxLength: 64 }),
});

const engine = object(
  'The engine of one device class.',
  {
    deviceClass: text('Name of the ExportDeviceClass.', { maxLength: 63 }),
    conditions: conditionsSchema,
    dataType: oneOf(dataTypes, 'Requested precision.'),
    key: text('Content key of the stored engine.', { maxLength: 64 }),
    uri,
    sha256: digest,
    sizeBytes,
    ...ledgerFields,
    running,
    hardware,
    runtime,
    latency,
    agreement,
    evidence,
    deployment: object(
      'Files next to the engine for serving, see docs/deepstream-and-triton.md. Absent for engines without them.',
      { deepStream: uri, triton: uri, provenance: uri, description: uri },
    ),
    integerOperators,
    chosen,
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
  "The int8 calibration cache, in TensorRT's text format.",
  {
    ...artifact,
    ...cacheFacts,
  },
  { required: [...artifactFields, 'algorithm', 'tensors', 'batches', 'images'] },
);

const exported = object(
  'The export, shared by all device classes. Its artifacts are listed until newer ones replace them.',
  {
    ...ledgerFields,
    running,
    key: text('Content key of the stored export.', { maxLength: 64 }),
    etlt,
    codecEtlt: object('The same model, encrypted by spec.codec.', artifact, {
      required: artifactFields,
    }),
    calibrationCache,
    calibrationTensorfile: object(
      'The CalibrationTensorfile, and its file, that the export was calibrated with.',
      { name: text('Name of the CalibrationTensorfile.'), uri, sha256: digest },
      { required: ['name', 'uri', 'sha256'] },
    ),
    distributions: object(
      'What the calibration found beyond the cache: extents of tensors, and scales by other methods, as JSON.',
      artifact,
      { required: artifactFields },
    ),
    verification: object('Preprocessed held-out images that engines are verified with.', artifact, {
      required: artifactFields,
    }),
    deployment: object(
      'What serving must know of the network: ports, preprocessing and class names, as JSON.',
      artifact,
      { required: artifactFields },
    ),
    report: object(
      'The export report, as JSON and as an HTML page.',
      { uri, pageUri: uri },
      { required: ['uri'] },
    ),
    inputs: exportInputs,
  },
);

const calibration = object(
  'The Job whose pods count the calibration images. Present with spec.calibration.parallelism.',
  {
    ...ledgerFields,
    running,
    key: text('Content key of the histograms that its pods have stored.', { maxLength: 64 }),
  },
);

/** Schema of the status of a ModelExport. */
export const modelExportStatusSchema = object(
  'Observed state: conditions, stored artifacts, and the attempts to produce them.',
  {
    observedGeneration,
    conditions: conditionsSchema,
    calibration,
    export: exported,
    engines: keyedList('One entry per device class.', engine, { key: 'deviceClass', maxItems: 64 }),
    enginesReady: text('Built engines out of requested engines, for example 2/3.', { maxLength: 16 }),
    engineCount: integer('Number of requested engines.', { minimum: 0 }),
    enginesBuilt: integer('Number of engines built for the current spec.', { minimum: 0 }),
    progress,
    lastHandledRequest,
  },
  statusExtras,
);
