/**
 * What a serving program must know of a network and of an engine: written as JSON beside them, and the source of the files for
 * DeepStream and Triton.
 */

import { architectureNames, dataTypes } from './architectures.ts';
import { type Backend, backendNames } from './backends.ts';
import { findFault } from './check-schema.ts';
import { runtime } from './engine-schema.ts';
import { digest, fileName, node, sha256, sizeBytes } from './result-schema.ts';
import { integer, list, map, object, oneOf, text, type ValueOf } from './schema.ts';

/** Decimal text of a float64, because a schema has no floats. */
const number = text('A number.', { maxLength: 32, pattern: '^-?[0-9]+([.][0-9]+)?(e-?[0-9]+)?$' });
const size = (description: string) => integer(description, { minimum: 1 });

/** Element types of outputs, by NumPy's names. */
export const outputTypes = ['float32', 'int32', 'int64'] as const;

const output = object(
  'An output.',
  {
    name: node,
    type: oneOf(outputTypes, 'Element type.'),
    sizes: list('Sizes without the batch axis; -1 where the graph leaves one open.', integer('Size.'), {
      maxItems: 8,
    }),
  },
  { required: ['name', 'type', 'sizes'] },
);

const input = object(
  'The image input: float32 N,C,H,W.',
  {
    name: node,
    channels: size('Channels.'),
    height: size('Pixels.'),
    width: size('Pixels.'),
    fixedBatch: size('The batch size, if the graph has one alone.'),
  },
  { required: ['name', 'channels', 'height', 'width'] },
);

const preprocessing = object(
  'Network input from pixels x of 0 to 255: (x - mean) * scale.',
  {
    order: oneOf(['RGB', 'BGR'], 'Order of the channels.'),
    mean: list('One mean per channel, in that order.', number, { maxItems: 3 }),
    scale: list('One scale for all channels, or one per channel.', number, { minItems: 1, maxItems: 3 }),
  },
  { required: ['order', 'mean', 'scale'] },
);

const network = object(
  'An exported network.',
  {
    architecture: oneOf(architectureNames, 'Module of TLT.'),
    input,
    outputs: list('Outputs in the order of the module.', output, { maxItems: 64 }),
    preprocessing,
    labels: list(
      'Class names in the order of the outputs; empty if unknown.',
      text('A name.', { maxLength: 1024 }),
      { maxItems: 10_000 },
    ),
    inputs: map('Digests of what the export read, by name.', sha256('SHA-256.'), { maxProperties: 16 }),
  },
  { required: ['architecture', 'input', 'outputs', 'preprocessing', 'labels', 'inputs'] },
);
/** What serving needs of an exported network; numbers of the preprocessing are decimal text. */
export type NetworkFacts = ValueOf<typeof network>;

/** `deployment.json` of an export. */
const networkFile = object(
  'The network of an export.',
  { formatVersion: integer('Version of the format.', { minimum: 1, maximum: 1 }), network },
  { required: ['formatVersion', 'network'] },
);
export type NetworkFile = ValueOf<typeof networkFile>;

const material = object(
  'A file that the engine was made from.',
  {
    name: text('Its role.', { maxLength: 64 }),
    uri: text('Where it was.', { maxLength: 2048 }),
    sha256: digest,
  },
  { required: ['name', 'sha256'] },
);
/** A file that an engine was made from: its role, its location if it has one, and its digest. */
export type Material = ValueOf<typeof material>;

const engine = object(
  'An engine.',
  {
    file: fileName,
    sha256: digest,
    sizeBytes,
    backend: oneOf(backendNames as [Backend, ...Backend[]], 'Builder.'),
    dataType: oneOf(dataTypes, 'Requested precision.'),
    batch: object(
      'Batch sizes of the profile.',
      { min: size('Smallest.'), opt: size('Most likely.'), max: size('Largest.') },
      { required: ['min', 'opt', 'max'] },
    ),
    computeCapability: text('Of the GPU that it runs on, for example 8.6.', {
      maxLength: 8,
      pattern: '^[0-9]{1,2}[.][0-9]$',
    }),
    dlaCore: integer('Core of the accelerator that it runs on.', { minimum: 0 }),
    runtime,
    key: text('Content key.', { maxLength: 64 }),
    image: text('Container image of the builder.', { maxLength: 512 }),
    materials: list('Files that it was made from.', material, { maxItems: 32 }),
  },
  { required: ['file', 'sha256', 'sizeBytes', 'backend', 'dataType', 'batch', 'runtime', 'materials'] },
);
/** What serving needs of an engine, and what its provenance states. */
export type EngineDescription = ValueOf<typeof engine>;

const engineFile = object(
  'An engine and its network.',
  { formatVersion: integer('Version of the format.', { minimum: 1, maximum: 1 }), network, engine },
  { required: ['formatVersion', 'network', 'engine'] },
);
/** The JSON file beside an engine. */
export type DeploymentFile = ValueOf<typeof engineFile>;

/** Parses `deployment.json` of an export; undefined if it is another file. */
export const parseNetworkFile = (content: string): NetworkFile | undefined =>
  parse(content, (value) => findFault(networkFile, value) === undefined);

/** Parses the JSON file beside an engine; undefined if it is another file. */
export const parseDeploymentFile = (content: string): DeploymentFile | undefined =>
  parse(content, (value) => findFault(engineFile, value) === undefined);

const parse = <T>(content: string, isValid: (value: unknown) => boolean): T | undefined => {
  try {
    const value: unknown = JSON.parse(content);
    return isValid(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
};

/** Ends of the names of the files beside an engine, after its name without extension: `model.nvinfer.txt`. */
export const deploymentFiles = {
  facts: '.deployment.json',
  deepStream: '.nvinfer.txt',
  triton: '.config.pbtxt',
  labels: '.labels.txt',
  deepStreamLabels: '.classes.txt',
  provenance: '.intoto.json',
} as const;
export type DeploymentRole = keyof typeof deploymentFiles;

/** The name of a file beside an engine. */
export const nameBeside = (engineName: string, role: DeploymentRole): string =>
  `${engineName.replace(/\.[^.]+$/, '')}${deploymentFiles[role]}`;

/** Largest file that is read, in bytes: 10,000 class names. */
export const deploymentLimitBytes = 16 * 2 ** 20;
