/** Writes the configuration of DeepStream's nvinfer element for an engine. Pure. */
import type { DeploymentFile, NetworkFacts } from '../../ground/contract/deployment.ts';
import { type NvinferName, nvinferKeys } from './nvinfer-keys.ts';
import { type NvinferValues, nvinferModules } from './nvinfer-modules.ts';

/** What the configuration refers to. Paths are relative to the configuration. */
export type NvinferFiles = {
  readonly labels: string | undefined;
  /** The model in the cipher of the user's codec; DeepStream opens only NVIDIA's. */
  readonly encodedModel?: string | undefined;
  readonly calibrationCache?: string | undefined;
  /** Written in clear; left out if undefined. */
  readonly key?: string | undefined;
};

/** A text, or why there is none. */
export type WrittenConfig =
  | { readonly text: string; readonly refused?: undefined }
  | { readonly text?: undefined; readonly refused: string };

const networkModes = { fp32: 0, int8: 1, fp16: 2 } as const;

/** Writes the configuration, or says why nvinfer cannot run the network. */
export const writeNvinfer = (facts: DeploymentFile, files: NvinferFiles): WrittenConfig => {
  const refused = findNvinferRefusal(facts);
  if (refused !== undefined) return { refused };
  const values: NvinferValues = {
    ...engineValues(facts, files),
    ...inputValues(facts.network),
    ...outputValues(facts.network, files),
    ...nvinferModules[facts.network.architecture],
  };
  const groups = [...new Set(Object.values(nvinferKeys).map(({ group }) => group))];
  const sections = groups.flatMap((group) => {
    const lines = linesOf(values, group);
    return lines.length === 0 ? [] : [`[${group}]\n${lines.join('\n')}\n`];
  });
  return { text: [notesOf(facts, files), ...sections].join('\n') };
};

/** In the order of the table of keys. */
const linesOf = (values: NvinferValues, group: string): readonly string[] =>
  (Object.keys(nvinferKeys) as NvinferName[]).flatMap((name) =>
    nvinferKeys[name].group === group && values[name] !== undefined ? [`${name}=${values[name]}`] : [],
  );

const notesOf = ({ engine }: DeploymentFile, { encodedModel, key }: NvinferFiles): string => {
  const { runtime, computeCapability } = engine;
  const gpu =
    computeCapability === undefined ? 'the GPU that built it' : `compute capability ${computeCapability}`;
  return [
    `# nvinfer configuration. The engine runs on ${runtime.name} ${runtime.version} and ${gpu}.`,
    '# Thresholds and clustering are starting values; adjust them to the application.',
    ...(encodedModel !== undefined && key === undefined
      ? ['# If DeepStream is to build an engine itself, add tlt-model-key with the key of the model.']
      : []),
    '',
  ].join('\n');
};

/** Names come from the model; a line break in one would add lines to the file. */
const isPlain = (name: string): boolean => /^[\x20-\x7e]+$/.test(name) && !name.includes(';');

const findNvinferRefusal = ({ network, engine }: DeploymentFile): string | undefined => {
  const { preprocessing, outputs, architecture } = network;
  if (engine.backend !== 'TensorRt')
    return `nvinfer loads engines of classic TensorRT, and this one is of ${engine.backend}`;
  if (new Set(preprocessing.scale).size > 1)
    return 'nvinfer has one scale for all channels, and the preprocessing has one per channel';
  if (![engine.file, ...outputs.map(({ name }) => name)].every(isPlain))
    return 'the file of the engine, or an output, has a name that the configuration cannot hold';
  if (architecture !== 'classification' && countClasses(network) === undefined)
    return 'the number of classes is unknown: name the experiment spec';
  return undefined;
};

const engineValues = ({ engine }: DeploymentFile, files: NvinferFiles): NvinferValues => {
  const { encodedModel, calibrationCache, key } = files;
  const { dlaCore, dataType } = engine;
  return {
    'model-engine-file': engine.file,
    ...(encodedModel !== undefined && {
      'tlt-encoded-model': encodedModel,
      ...(key !== undefined && { 'tlt-model-key': key }),
      ...(dataType === 'int8' && calibrationCache !== undefined && { 'int8-calib-file': calibrationCache }),
    }),
    'batch-size': engine.batch.max,
    'network-mode': networkModes[dataType],
    ...(dlaCore !== undefined && { 'enable-dla': 1, 'use-dla-core': dlaCore }),
    'process-mode': 1,
    'gie-unique-id': 1,
    interval: 0,
  };
};

const inputValues = ({ input, preprocessing }: NetworkFacts): NvinferValues => ({
  'infer-dims': [input.channels, input.height, input.width].join(';'),
  'net-scale-factor': preprocessing.scale[0]!,
  offsets: preprocessing.mean.join(';'),
  'model-color-format': input.channels === 1 ? 2 : preprocessing.order === 'RGB' ? 0 : 1,
});

const outputValues = (network: NetworkFacts, { labels }: NvinferFiles): NvinferValues => {
  const classes = network.architecture === 'classification' ? undefined : countClasses(network);
  return {
    'output-blob-names': network.outputs.map(({ name }) => name).join(';'),
    'output-tensor-meta': 0,
    ...(labels !== undefined && { 'labelfile-path': labels }),
    ...(classes !== undefined && { 'num-detected-classes': classes }),
  };
};

/** From the labels, else from the planes of coverage, of which detectnet_v2 has one per class. */
const countClasses = ({ labels, architecture, outputs }: NetworkFacts): number | undefined => {
  if (labels.length > 0) return labels.length;
  if (architecture !== 'detectnet_v2') return undefined;
  const planes = outputs.map(({ sizes }) => sizes[0] ?? -1);
  const fewest = Math.min(...planes);
  return fewest > 0 ? fewest : undefined;
};
