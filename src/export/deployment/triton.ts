/** Writes the `config.pbtxt` of a model in a Triton model repository. Pure. */
import type { DeploymentFile, NetworkFacts } from '../../ground/contract/deployment.ts';
import type { WrittenConfig } from './nvinfer.ts';

/** An engine in the repository: its description, and its file name in the version folder. */
export type TritonEngine = Pick<
  DeploymentFile['engine'],
  'backend' | 'batch' | 'computeCapability' | 'dlaCore'
> & {
  readonly file: string;
};

/** A model: one network, and one engine per compute capability. */
export type TritonModel = {
  readonly network: NetworkFacts;
  /** At least one; all of one backend. */
  readonly engines: readonly TritonEngine[];
  /** Name of the file of labels beside the configuration. */
  readonly labels: string | undefined;
};

/** Triton's platform of each backend that it can run, and the processors of its instances. */
const platforms = {
  TensorRt: { platform: 'tensorrt_plan', kind: 'KIND_GPU' },
  OnnxRuntime: { platform: 'onnxruntime_onnx', kind: 'KIND_CPU' },
} as const;

/** Writes the configuration, or says why Triton cannot run the engines. */
export const writeTritonConfig = ({ network, engines, labels }: TritonModel): WrittenConfig => {
  const { backend } = engines[0]!;
  if (backend === 'TensorRtRtx') return { refused: 'Triton has no backend for engines of TensorRT for RTX' };
  const { platform, kind } = platforms[backend];
  const { fixedBatch } = network.input;
  const most = Math.min(...engines.map(({ batch }) => batch.max));
  const isFree = fixedBatch === undefined && engines.every(({ batch }) => batch.min < batch.max);
  return {
    text: [
      `platform: ${quote(platform)}`,
      // A graph with one batch size has the batch in its shapes; 0 means that Triton adds none.
      `max_batch_size: ${fixedBatch === undefined ? most : 0}`,
      ...filesOf(engines),
      ...portsOf(network, labels),
      instancesOf(kind, engines),
      ...(isFree ? ['dynamic_batching { }'] : []),
      '',
    ].join('\n'),
  };
};

/**
 * Engines by compute capability. Without a default file, a GPU of another capability gets no engine, instead of one that it
 * cannot load.
 */
const filesOf = (engines: TritonModel['engines']): readonly string[] => {
  const named = engines.filter(({ computeCapability }) => computeCapability !== undefined);
  return [
    ...(named.length < engines.length ? [`default_model_filename: ${quote(engines[0]!.file)}`] : []),
    ...named.map(
      ({ computeCapability, file }) =>
        `cc_model_filenames { key: ${quote(computeCapability!)} value: ${quote(file)} }`,
    ),
  ];
};

const portsOf = (
  { architecture, input, outputs }: NetworkFacts,
  labels: string | undefined,
): readonly string[] => {
  const batch = input.fixedBatch === undefined ? [] : [input.fixedBatch];
  const dims = (sizes: readonly number[]) => `dims: [ ${[...batch, ...sizes].join(', ')} ]`;
  const isClassifier = architecture === 'classification' && labels !== undefined;
  const image = dims([input.channels, input.height, input.width]);
  return [
    `input { name: ${quote(input.name)} data_type: TYPE_FP32 ${image} }`,
    ...outputs.map(({ name, type, sizes }) => {
      const label = isClassifier ? ` label_filename: ${quote(labels)}` : '';
      return `output { name: ${quote(name)} data_type: ${dataTypes[type]} ${dims(sizes)}${label} }`;
    }),
  ];
};

const dataTypes = { float32: 'TYPE_FP32', int32: 'TYPE_INT32', int64: 'TYPE_INT64' } as const;

const instancesOf = (kind: string, [engine]: TritonModel['engines']): string => {
  const dlaCore = engine?.dlaCore;
  const accelerator =
    dlaCore === undefined ? '' : ` secondary_devices { kind: KIND_NVDLA device_id: ${dlaCore} }`;
  return `instance_group { count: 1 kind: ${kind}${accelerator} }`;
};

/** A string of protobuf's text format; bytes that are not printable ASCII are octal. */
const quote = (text: string): string =>
  `"${[...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\${byte.toString(8).padStart(3, '0')}`,
    )
    .join('')}"`;
