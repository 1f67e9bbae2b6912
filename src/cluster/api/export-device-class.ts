/** ExportDeviceClass: the hardware of a class of devices, and how engines are built for it. */
import {
  backendNames,
  hardwareCompatibilityLevels,
  int8Routes,
  preferences,
} from '../../ground/contract/backends.ts';
import { numberLimits } from '../../ground/contract/number-limits.ts';
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
import { rtxComputeCapabilities } from '../../ground/plans/families.ts';
import { conditionsSchema } from './conditions.ts';
import { className } from './jobs-schema.ts';
import {
  labelName,
  nodeAffinity,
  nodeSelector,
  observedGeneration,
  pinnedImage,
  statusExtras,
  tolerations,
} from './shared-schemas.ts';

const computeCapability = (description: string) =>
  text(description, { maxLength: 8, pattern: '^[0-9]{1,2}[.][0-9]$' });

const hardware = object('Hardware of the devices: selects nodes, and is verified by a build on a GPU.', {
  computeCapability: computeCapability('CUDA compute capability, for example 8.6.'),
  products: list(
    'Allowed GPU products: values of the node label nvidia.com/gpu.product.',
    text('A GPU product.', { maxLength: 63 }),
    {
      maxItems: 32,
    },
  ),
  memoryMiB: object('Range of GPU memory, compared with the node label nvidia.com/gpu.memory.', {
    min: integer('Minimum in MiB.', { minimum: 1 }),
    max: integer('Maximum in MiB.', { minimum: 1 }),
  }),
  arch: oneOf(['amd64', 'arm64'], 'CPU architecture of the node.'),
  selectNodesBy: oneOf(
    ['HardwareLabels', 'NodeSelector'],
    'HardwareLabels: nodes must have labels of GPU feature discovery that agree. NodeSelector: such labels are not needed, as on a Jetson or on nodes that an autoscaler has yet to create; nodeSelector and nodeAffinity choose the nodes, and the build verifies computeCapability and products on the GPU.',
    { default: 'HardwareLabels' },
  ),
});

/** Attributes of TensorRT's IBuilderConfig. An unset field keeps the builder's default. */
const builderOptions = {
  builderOptimizationLevel: integer('How thoroughly the builder searches for fast kernels.', {
    minimum: 0,
    maximum: 5,
  }),
  hardwareCompatibilityLevel: oneOf(
    hardwareCompatibilityLevels,
    'Other GPUs that the engine must also run on. Wider compatibility makes the engine slower.',
  ),
  maxAuxStreams: integer('Maximum number of auxiliary streams per inference stream.', {
    minimum: 0,
    maximum: 64,
  }),
  versionCompatible: flag('Build an engine that newer TensorRT versions can also run.', { default: false }),
} as const;

const engine = object(
  'How engines are built.',
  {
    backend: oneOf(backendNames, 'Engine builder.'),
    image: pinnedImage("Builder image, pinned by digest. Defaults to the operator's own image."),
    computeCapability: computeCapability(
      'Compute capability to build for, for backends that build without a GPU.',
    ),
    version: text(
      'TensorRT version of the builder image, with two to four numbers, for example 10.3. The builder verifies it. Required for backend TensorRt.',
      { maxLength: 16, pattern: '^[0-9]{1,3}([.][0-9]{1,4}){1,3}$' },
    ),
    dlaCore: integer('Core of the Deep Learning Accelerator (Jetson) that runs the engine.', {
      minimum: 0,
      maximum: numberLimits.dlaCore,
    }),
    dlaGpuFallback: flag('Whether layers that the accelerator cannot run may run on the GPU.', {
      default: true,
    }),
    prefer: oneOf(
      preferences,
      'What an int8 engine of backend OnnxRuntime is: int8 (Precision), or float where int8 is slower on the node that builds, or fails the accuracy gate (Fastest). Engines of other precisions stay as they are.',
      { default: 'Precision' },
    ),
    tensorRt: object('Options of backend TensorRt.', {
      ...builderOptions,
      int8: oneOf(
        int8Routes,
        'How int8 scales reach the builder: tensor by tensor, or as Q/DQ nodes. Defaults to DynamicRanges for TensorRT 8.5 and 8.6 and for a DLA, and to QdqGraph otherwise.',
      ),
    }),
    tensorRtRtx: object('Options of backend TensorRtRtx.', builderOptions),
  },
  {
    required: ['backend'],
    validations: [
      {
        rule: "self.backend != 'TensorRtRtx' || has(self.computeCapability)",
        message: `backend TensorRtRtx builds for a named compute capability: set computeCapability to one of ${rtxComputeCapabilities.join(', ')}`,
      },
      {
        rule: "self.backend != 'TensorRt' || (has(self.version) && has(self.image))",
        message:
          'backend TensorRt needs your own builder image: set image, and set version to its TensorRT version, for example 10.3',
      },
      {
        rule: "self.backend == 'TensorRt' || !has(self.dlaCore)",
        message: 'only backend TensorRt builds engines for a Deep Learning Accelerator: remove dlaCore',
      },
      {
        rule: "self.backend == 'OnnxRuntime' || !has(self.prefer) || self.prefer == 'Precision'",
        message:
          'only backend OnnxRuntime times int8 against float where it builds: remove prefer, and choose the precision in the ModelExport',
      },
      {
        rule: "(self.backend == 'TensorRt' || !has(self.tensorRt)) && (self.backend == 'TensorRtRtx' || !has(self.tensorRtRtx))",
        message: 'the builder options belong to another backend: set only the options of engine.backend',
      },
    ],
  },
);

const specSchema = object(
  'Which nodes belong to the class, and how engines are built for it.',
  {
    nodeSelector,
    nodeAffinity,
    tolerations,
    runtimeClassName: className('RuntimeClass of the engine pod, for example nvidia.'),
    resources: map(
      'Extended resources that the build container requests, for example nvidia.com/gpu: 1.',
      quantity('A whole number.', { maxLength: 8, pattern: '^[0-9]+$' }),
      { maxProperties: 8 },
    ),
    hardware,
    engine,
    allowPending: flag(
      'Create the Job even if no node matches, so that a cluster autoscaler can react to the pending pod.',
      {
        default: false,
      },
    ),
  },
  {
    required: ['engine', 'allowPending'],
    validations: [
      {
        rule: "!has(self.hardware) || self.hardware.selectNodesBy == 'HardwareLabels' || self.engine.backend == 'TensorRt'",
        message:
          'selectNodesBy NodeSelector needs backend TensorRt, whose build verifies the GPU: remove it, and hardware.computeCapability with it',
      },
      {
        rule: "!has(self.hardware) || self.hardware.selectNodesBy == 'HardwareLabels' || !has(self.hardware.memoryMiB)",
        message:
          'memoryMiB is read from a label of GPU feature discovery only: remove it, or set selectNodesBy to HardwareLabels',
      },
    ],
  },
);

const names = (description: string, items: string) =>
  list(description, text(items, { maxLength: 128 }), { maxItems: 32 });

const statusSchema = object(
  'Observed state: conditions, and facts about the matching nodes.',
  {
    observedGeneration,
    conditions: conditionsSchema,
    matchingNodes: integer('Number of ready nodes that match the class.', { minimum: 0 }),
    products: names('GPU products of the matching nodes.', 'A GPU product.'),
    computeCapabilities: names('Compute capabilities of the matching nodes.', 'A compute capability.'),
    architectures: names('CPU architectures of the matching nodes.', 'An architecture.'),
    drivers: names('GPU driver versions of the matching nodes.', 'A driver version.'),
  },
  statusExtras,
);

/** Schema of the ExportDeviceClass kind, from which its CRD, its types and its reference page follow. */
export const exportDeviceClassSchema = object(
  'A class of devices to build engines for: which nodes belong to it, and which builder is used.',
  { spec: specSchema, status: statusSchema },
  {
    required: ['spec'],
    validations: labelName,
  },
);

/** `spec`, with defaults filled in. */
export type ExportDeviceClassSpec = ValueOf<typeof specSchema>;
/** `status`. */
export type ExportDeviceClassStatus = ValueOf<typeof statusSchema>;

/** An ExportDeviceClass as the apiserver returns it. */
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
