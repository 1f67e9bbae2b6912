/**
 * What each family of TensorRT versions can do: one row a family. Names, enums and signatures are those of NVIDIA's own
 * Python bindings (test/tensorrt/api.json lists them by version); what bindings cannot show has its source beside it.
 */
import type { HardwareCompatibility, Int8Route, PluginNodes } from '../contract/backends.ts';
import { isInRange, parseVersion } from './version.ts';

export type Family = {
  /** For messages. */
  readonly title: string;
  readonly module: 'tensorrt' | 'tensorrt_rtx';
  /** The versions of the family: `from` is the oldest, and `below` the first that is not of it. */
  readonly from: string;
  readonly below: string;
  /** NetworkDefinitionCreationFlags of a network that lets the builder choose precisions; undefined if there is none. */
  readonly weaklyTyped?: readonly string[];
  /** NetworkDefinitionCreationFlags of a network whose graph decides precisions; undefined if there is none. */
  readonly stronglyTyped?: readonly string[];
  /**
   * Routes of int8 on a GPU, the default first, or none; a DLA takes dynamic ranges alone. A calibrator that returns a cache and
   * never calibrates is not among them: TensorRT skips a cache whose first line names another version or algorithm, then
   * asks for batches, and reports neither which scales it used nor which it lacked. ITensor.set_dynamic_range is in every
   * version that has calibrators (8.5.2, 8.6.1, 10.0.1 to 10.16.1) and absent where they are (11.0 to 11.4); it returns whether
   * it took the range, and the range can be read back. Q/DQ nodes come first from 10 on: implicit quantisation is
   * deprecated since 10.1, and the quantised graph is the one whose accuracy the export measured.
   */
  readonly int8: readonly Int8Route[];
  readonly hasDla: boolean;
  readonly hardwareCompatibility: readonly HardwareCompatibility[];
  /** Settings that later versions have. */
  readonly lacks?: readonly ('builderOptimizationLevel' | 'maxAuxStreams' | 'versionCompatible')[];
  readonly hasProgress: boolean;
  readonly hasTimingCache: boolean;
  readonly pluginNodes: PluginNodes;
  /** Compute capabilities that the versions build for: every one, or those of an inclusive range. */
  readonly capabilities:
    | { readonly only: readonly string[] }
    | { readonly from: string; readonly to?: string };
};

const classic = {
  module: 'tensorrt',
  hasTimingCache: true,
  int8: ['QdqGraph', 'DynamicRanges'],
  pluginNodes: 'Kept',
} as const;

const eight = {
  // The ONNX parser of 8.x takes no network without this flag.
  weaklyTyped: ['EXPLICIT_BATCH'],
  int8: ['DynamicRanges', 'QdqGraph'],
  hasDla: true,
  hasProgress: false,
} as const;

const older10 = {
  weaklyTyped: [],
  stronglyTyped: ['STRONGLY_TYPED'],
  hasDla: true,
  hardwareCompatibility: ['None', 'AmperePlus'],
  hasProgress: true,
} as const;

const newer10 = {
  weaklyTyped: [],
  stronglyTyped: ['STRONGLY_TYPED'],
  hasDla: false, // developer guide of 11.3: "TensorRT 10.7 was the last release that supported DLA"
  hasProgress: true,
  capabilities: { from: '7.5' },
} as const;

const rtx = {
  module: 'tensorrt_rtx',
  stronglyTyped: [],
  int8: [], // 1.4 to 1.6 compile int8 matrices and no int8 convolution (their own error, held by a test)
  hasDla: false,
  hardwareCompatibility: ['None', 'AmperePlus', 'SameComputeCapability'],
  hasProgress: true,
  hasTimingCache: false, // its own warning: "Timing cache operations are no-ops in TensorRT-RTX"
  pluginNodes: 'Loop',
} as const;

/** Families by backend, oldest first. */
export const families = {
  TensorRt: [
    {
      ...classic,
      ...eight,
      title: 'TensorRT 8.5',
      from: '8.5',
      below: '8.6',
      hardwareCompatibility: ['None'],
      lacks: ['builderOptimizationLevel', 'maxAuxStreams', 'versionCompatible'],
      // Release notes of 8.5.2: the last release for Kepler (3.x). The plugins in its wheel have code for 3.5 to 9.0.
      capabilities: { from: '3.5', to: '9.0' },
    },
    {
      ...classic,
      ...eight,
      title: 'TensorRT 8.6',
      from: '8.6',
      below: '9',
      hardwareCompatibility: ['None', 'AmperePlus'],
      capabilities: { from: '5.0', to: '9.0' }, // support matrix of 8.6.1
    },
    {
      ...classic,
      ...older10,
      title: 'TensorRT 10.0 to 10.4',
      from: '10.0',
      below: '10.5',
      capabilities: { from: '7.0', to: '9.0' }, // support matrix of 10.1; Blackwell came with 10.8
    },
    {
      ...classic,
      ...older10,
      title: 'TensorRT 10.5 to 10.7',
      from: '10.5',
      below: '10.8',
      capabilities: { from: '7.5', to: '9.0' }, // release notes of 10.5: Volta (7.0) is removed
    },
    {
      ...classic,
      ...newer10,
      title: 'TensorRT 10.8',
      from: '10.8',
      below: '10.9',
      hardwareCompatibility: ['None', 'AmperePlus'],
    },
    {
      ...classic,
      ...newer10,
      title: 'TensorRT 10.9 to 10.x',
      from: '10.9',
      below: '11',
      hardwareCompatibility: ['None', 'AmperePlus', 'SameComputeCapability'],
    },
    {
      ...classic,
      title: 'TensorRT 11',
      from: '11.0',
      below: '12',
      stronglyTyped: [], // every network is
      int8: ['QdqGraph'],
      hasDla: false,
      hardwareCompatibility: ['None', 'AmperePlus', 'SameComputeCapability'],
      hasProgress: true,
      pluginNodes: 'Loop', // release notes of 11.0: the plugins nms, proposal and cropAndResize are removed
      capabilities: { from: '7.5' },
    },
  ],
  TensorRtRtx: [
    {
      ...rtx,
      title: 'TensorRT for RTX 1.4',
      from: '1.4',
      below: '1.5',
      capabilities: { only: ['7.5', '8.0', '8.6', '8.9', '12.0'] },
    },
    {
      ...rtx,
      title: 'TensorRT for RTX 1.5 and 1.6',
      from: '1.5',
      below: '1.7',
      capabilities: { only: ['7.5', '8.0', '8.6', '8.9', '12.0', '12.1'] },
    },
    {
      ...rtx,
      title: 'TensorRT for RTX 1.7 to 1.x',
      from: '1.7',
      below: '2',
      int8: ['QdqGraph'],
      capabilities: { only: ['7.5', '8.0', '8.6', '8.9', '12.0', '12.1'] },
    },
  ],
} as const satisfies Readonly<Record<string, readonly Family[]>>;

export type TensorRtBackend = keyof typeof families;

/** Whether a backend is planned by this room. */
export const isTensorRt = (backend: string): backend is TensorRtBackend => backend in families;

/** The family of a version, or of the newest one without a version; undefined if no family has it. */
export const findFamily = (backend: TensorRtBackend, version?: string): Family | undefined => {
  const rows: readonly Family[] = families[backend];
  if (version === undefined) return rows.at(-1);
  return parseVersion(version) && rows.find((family) => isInRange(version, family));
};

/** Compute capabilities that some version of TensorRT for RTX builds for. */
export const rtxComputeCapabilities: readonly string[] = families.TensorRtRtx.at(-1)!.capabilities.only;
