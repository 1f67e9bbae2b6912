/** ExportDeviceClass: what a kind of device is, and how an engine for it is built. */
import {
  backendNames,
  hardwareCompatibilityLevels,
  rtxComputeCapabilities,
} from '../../ground/contract/backends.ts';
import {
  flag,
  integer,
  list,
  map,
  object,
  oneOf,
  quantity,
  text,
  type ValueOf,
} from '../../ground/contract/schema.ts';
import { conditionsSchema } from './conditions.ts';
import { className } from './jobs-schema.ts';
import {
  labelName,
  nodeAffinity,
  nodeSelector,
  observedGeneration,
  pinnedImage,
  tolerations,
  unseen,
} from './shared-schemas.ts';

const computeCapability = (description: string) =>
  text(description, { maxLength: 8, pattern: '^[0-9]{1,2}[.][0-9]$' });

const hardware = object(
  'What the device must be: nodes are chosen by it, and pods that can look at it verify it.',
  {
    computeCapability: computeCapability('CUDA compute capability, for example 8.6.'),
    products: list(
      'GPU products, exactly as the label nvidia.com/gpu.product has them.',
      text('A product.', { maxLength: 63 }),
      {
        maxItems: 32,
      },
    ),
    memoryMiB: object('Memory of the GPU, as the label nvidia.com/gpu.memory has it.', {
      min: integer('At least this many MiB.', { minimum: 1 }),
      max: integer('At most this many MiB.', { minimum: 1 }),
    }),
    arch: oneOf(['amd64', 'arm64'], 'Processor architecture of the node.'),
  },
);

/** Each is an attribute of TensorRT's IBuilderConfig; the builder's own value holds where one is left out. */
const builderOptions = (description: string) =>
  object(description, {
    builderOptimizationLevel: integer('How long the builder searches for fast kernels.', {
      minimum: 0,
      maximum: 5,
    }),
    hardwareCompatibilityLevel: oneOf(
      hardwareCompatibilityLevels,
      'On which other GPUs the engine also runs; the more of them, the slower it is.',
    ),
    maxAuxStreams: integer('Streams that may run beside the main one.', { minimum: 0, maximum: 64 }),
  });

const engine = object(
  'How the engine is built.',
  {
    backend: oneOf(backendNames, 'Which engine builder.'),
    image: pinnedImage('Image of the builder, pinned by digest; the one of this operator if left out.'),
    computeCapability: computeCapability('Compute capability to build for, where no GPU is asked.'),
    tensorRt: builderOptions('Options of backend TensorRt.'),
    tensorRtRtx: builderOptions('Options of backend TensorRtRtx.'),
  },
  {
    required: ['backend'],
    validations: [
      {
        rule: "self.backend != 'TensorRtRtx' || has(self.computeCapability)",
        message: `backend TensorRtRtx builds for a named device: set computeCapability to one of ${rtxComputeCapabilities.join(', ')}`,
      },
      {
        rule: "(self.backend == 'TensorRt' || !has(self.tensorRt)) && (self.backend == 'TensorRtRtx' || !has(self.tensorRtRtx))",
        message: 'the options are those of another backend: give the options of engine.backend only',
      },
    ],
  },
);

const specSchema = object(
  'What the device is and how to build for it.',
  {
    nodeSelector,
    nodeAffinity,
    tolerations,
    runtimeClassName: className('RuntimeClass of the engine pod, for example nvidia.'),
    resources: map(
      'Devices that the build container asks for, for example nvidia.com/gpu: 1.',
      quantity('A whole number.', { maxLength: 8, pattern: '^[0-9]+$' }),
      { maxProperties: 8 },
    ),
    hardware,
    engine,
    allowPending: flag('Starts the Job although no node matches now, so that an autoscaler sees the pod.', {
      default: false,
    }),
  },
  { required: ['engine', 'allowPending'] },
);

const names = (description: string, items: string) =>
  list(description, text(items, { maxLength: 128 }), { maxItems: 32 });

const statusSchema = object(
  'What was found among the nodes.',
  {
    observedGeneration,
    conditions: conditionsSchema,
    matchingNodes: integer('Ready nodes that match.', { minimum: 0 }),
    products: names('GPU products among them.', 'A product.'),
    computeCapabilities: names('Compute capabilities among them.', 'A compute capability.'),
    architectures: names('Processor architectures among them.', 'An architecture.'),
    drivers: names('GPU driver versions among them.', 'A version.'),
  },
  { default: unseen },
);

export const exportDeviceClassSchema = object(
  'A class of devices that engines are built for: which nodes belong to it, and with what its engines are built.',
  { spec: specSchema, status: statusSchema },
  {
    required: ['spec'],
    validations: labelName,
  },
);

export type ExportDeviceClassSpec = ValueOf<typeof specSchema>;
export type ExportDeviceClassStatus = ValueOf<typeof statusSchema>;

export type ExportDeviceClass = {
  readonly apiVersion: string;
  readonly kind: 'ExportDeviceClass';
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation: number;
    readonly deletionTimestamp?: string;
  };
  readonly spec: ExportDeviceClassSpec;
  readonly status?: ExportDeviceClassStatus;
};
