/**
 * Schemas of pod results. The operator validates every result before it uses any of it, and the status schemas of the API are
 * built from the same parts. A result contains file names, never locations.
 */
import { type FailureReason, failures } from '../base/failures.ts';
import { scaleOrigins } from './architectures.ts';
import { agreement, chosen, evidence, integerOperators, latency, runtime } from './engine-schema.ts';
import { decimal, flag, integer, list, object, oneOf, type Schema, text, type ValueOf } from './schema.ts';

/** Schema of a SHA-256: 64 lower-case hex digits. */
export const sha256 = (description: string) =>
  text(description, { pattern: '^[0-9a-f]{64}$', maxLength: 64 });
/** SHA-256 of a file. */
export const digest = sha256('SHA-256 of the file.');
/** Size of a file in bytes. */
export const sizeBytes = integer('Size of the file in bytes.', { format: 'int64', minimum: 0 });
/** Name of a graph node. */
export const node = text('A node of the graph.', { maxLength: 512 });

/** A file name without a path and without a leading dot, so it can only be in the folder of the task. */
export const fileName = text('Name of a file in the folder of the task.', {
  maxLength: 128,
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
});

/** Properties of an exported `.etlt`, apart from its location. */
export const etltFacts = {
  payloadDigest: sha256(
    'Names the model in the file, by an HMAC under the key: equal for the same model and key however often it is encrypted.',
  ),
  inputNode: node,
  outputNodes: list(
    'Output nodes, as many as a pod has room to report; manifest.json lists up to 64.',
    node,
    {
      maxItems: 64,
    },
  ),
} as const;

/** Maximum length of the int8 warning, so that the result fits into a termination message. */
export const int8WarningLimit = 320;

const int8 = object(
  'Share of int8 in an engine with these scales.',
  {
    layers: text('Layers in int8, of those that do arithmetic, for example 12/14.', { maxLength: 32 }),
    arithmetic: decimal('Share of the arithmetic that is int8, 0 to 1.'),
    warning: text(
      'Set if the share is zero or less than half: why the other layers are float, with their numbers.',
      { maxLength: int8WarningLimit },
    ),
  },
  { required: ['layers', 'arithmetic'] },
);
export type Int8Facts = ValueOf<typeof int8>;

/** Properties of a calibration cache, apart from its location. */
export const cacheFacts = {
  algorithm: oneOf(
    scaleOrigins,
    'How thresholds were chosen. Trained: the scales come from quantisation-aware training.',
  ),
  tensors: integer('Number of tensors with a scale.', { minimum: 0 }),
  batches: integer('Number of calibration batches.', { minimum: 0 }),
  images: integer('Number of calibration images.', { minimum: 0 }),
  int8,
} as const;

/** Properties of a tensorfile, apart from its location. */
export const tensorfileFacts = {
  batches: integer('Batches in it.', { minimum: 0 }),
  images: integer('Images in it, over all batches.', { minimum: 0 }),
} as const;

/** The pass over the calibration images. */
const calibrationPass = object(
  'The pass over the calibration images.',
  {
    images: integer('Counted images.', { minimum: 1 }),
    seconds: text('Time that reading, preprocessing and counting them took.', {
      maxLength: 16,
      pattern: '^[0-9]+[.][0-9]{3}$',
    }),
  },
  { required: ['images', 'seconds'] },
);

/** Digests of the inputs of an export. */
export const exportInputs = object('SHA-256 digests of the inputs that the export read.', {
  model: sha256('Digest of the model file.'),
  spec: sha256('Digest of the text of the experiment spec.'),
  images: sha256('Digest of the names and sizes of the calibration images.'),
  tensorfile: sha256('Digest of the tensorfile.'),
  trainingData: sha256('Digest of the names and sizes of the images that the data loader sampled.'),
});

const stored = { file: fileName, sha256: digest, sizeBytes } as const;
const storedFile = object('A file of the folder.', stored, { required: ['file', 'sha256', 'sizeBytes'] });
const reused = flag('True if finished work of the same content was found and nothing was done again.');

const exported = object(
  'An export.',
  {
    kind: oneOf(['Exported'], 'Which report this is.'),
    etlt: object(
      'The encrypted model.',
      { ...stored, ...etltFacts },
      {
        required: ['file', 'sha256', 'sizeBytes', 'payloadDigest', 'outputNodes'],
      },
    ),
    /** The same model in the cipher of the user's codec. */
    codecEtlt: storedFile,
    calibrationCache: object(
      'The calibration cache.',
      { ...stored, ...cacheFacts },
      {
        required: ['file', 'sha256', 'sizeBytes', 'algorithm', 'tensors', 'batches', 'images'],
      },
    ),
    /** Absent if no image was counted: the scales come from training, a cache, or histograms of an earlier pass. */
    calibrationPass,
    /** What the calibration found beyond the cache. */
    distributions: storedFile,
    verification: storedFile,
    /** What serving must know of the network. */
    deployment: storedFile,
    /** Numbers, and the page for people. */
    report: object('The report.', { file: fileName, pageFile: fileName }, { required: ['file'] }),
    inputs: exportInputs,
    reused,
  },
  { required: ['kind', 'etlt', 'reused'] },
);

const counted = object(
  'The histograms of a part of the calibration images.',
  {
    kind: oneOf(['Counted'], 'Which report this is.'),
    images: integer('Images of the part; 0 if nothing has to be counted.', { minimum: 0 }),
    /** Absent if no image was counted. */
    calibrationPass,
    reused,
  },
  { required: ['kind', 'images', 'reused'] },
);

const engineBuilt = object(
  'An engine.',
  {
    kind: oneOf(['EngineBuilt'], 'Which report this is.'),
    engine: storedFile,
    runtime,
    latency,
    agreement,
    evidence,
    deployment: object(
      'Files beside the engine.',
      { deepStream: fileName, triton: fileName, provenance: fileName, description: fileName },
      { required: ['provenance', 'description'] },
    ),
    integerOperators,
    chosen,
    reused,
  },
  { required: ['kind', 'engine', 'runtime', 'reused'] },
);

const tensorfileWritten = object(
  'A tensorfile.',
  {
    kind: oneOf(['TensorfileWritten'], 'Which report this is.'),
    tensorfile: object(
      'The tensorfile.',
      { ...stored, ...tensorfileFacts },
      {
        required: ['file', 'sha256', 'sizeBytes', 'batches', 'images'],
      },
    ),
    reused,
  },
  { required: ['kind', 'tensorfile', 'reused'] },
);

const failed = object(
  'A failure.',
  {
    kind: oneOf(['Failed'], 'Which report this is.'),
    reason: oneOf(Object.keys(failures) as FailureReason[], 'Why, in one word.'),
    message: text('Why, in sentences.', { maxLength: 2048 }),
  },
  { required: ['kind', 'reason', 'message'] },
);

/** Kind of result → its schema. */
export const resultSchemas = {
  Exported: exported,
  Counted: counted,
  EngineBuilt: engineBuilt,
  TensorfileWritten: tensorfileWritten,
  Failed: failed,
} as const satisfies Record<string, Schema>;

/** A file in the folder of the task: name, SHA-256 and size in bytes. */
export type StoredFile = ValueOf<typeof storedFile>;
export type Exported = ValueOf<typeof exported>;
/** Result of a pod that counts a part of the calibration images. */
export type Counted = ValueOf<typeof counted>;
/** Result of an engine pod. Decimal numbers are strings. */
export type EngineBuilt = ValueOf<typeof engineBuilt>;
export type TensorfileWritten = ValueOf<typeof tensorfileWritten>;
export type Failed = ValueOf<typeof failed>;
export type Result = Exported | Counted | EngineBuilt | TensorfileWritten | Failed;
