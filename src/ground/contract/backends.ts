/**
 * Capabilities of the engine backends. The operator uses them to refuse or wait before it creates a pod, the worker to choose
 * the graph for the builder.
 */
import type { DataType } from './architectures.ts';

/** How int8 scales reach the builder: as Q/DQ nodes in the graph, or as a calibration cache next to a float graph. */
export type Int8Route = 'QdqGraph' | 'CalibrationCache';

/**
 * How TensorRT plugin nodes (NMS and similar) appear in the graph for the builder: kept, or replaced by ONNX operators, with
 * NonMaxSuppression or with a Loop instead of it.
 */
export type PluginNodes = 'Kept' | 'NonMaxSuppression' | 'Loop';

export type BackendRow = {
  readonly description: string;
  /** File name of the engine in its artifact folder. */
  readonly engineFile: string;
  /** Whether the build needs a GPU. */
  readonly needsGpu: boolean;
  /** Whether the device class must set a compute capability. */
  readonly needsComputeCapability: boolean;
  readonly int8: Int8Route;
  readonly pluginNodes: PluginNodes;
  /** Whether this version can build it; device classes with an unsupported backend wait. */
  readonly supported: boolean;
  /** Part of the engine key. Increase it when the same inputs would give different bytes. */
  readonly planFormatVersion: number;
};

/** Capabilities by backend name. */
export const backends = {
  TensorRtRtx: {
    description: 'TensorRT for RTX: engines for a named compute capability, built without a GPU.',
    engineFile: 'model.engine',
    needsGpu: false,
    needsComputeCapability: true,
    int8: 'QdqGraph',
    pluginNodes: 'Loop',
    supported: true,
    planFormatVersion: 1,
  },
  TensorRt: {
    description: "Classic TensorRT in NVIDIA's image, built on a node that has the GPU.",
    engineFile: 'model.engine',
    needsGpu: true,
    needsComputeCapability: false,
    int8: 'CalibrationCache',
    pluginNodes: 'Kept',
    supported: false,
    planFormatVersion: 1,
  },
  OnnxRuntime: {
    description: 'ONNX Runtime on a CPU: a graph optimised for the processor that it was built on.',
    engineFile: 'model.onnx',
    needsGpu: false,
    needsComputeCapability: false,
    int8: 'QdqGraph',
    pluginNodes: 'NonMaxSuppression',
    supported: true,
    planFormatVersion: 1,
  },
} as const satisfies Record<string, BackendRow>;

export type Backend = keyof typeof backends;
/** Why a backend of the API cannot be used, for a class and for the exports that name it. */
export const notBuiltIn = (backend: Backend): string =>
  `backend ${backend} is not built into this version: choose TensorRtRtx or OnnxRuntime, or upgrade`;

/** Names of all backends. */
export const backendNames = Object.keys(backends) as Backend[];

/** TensorRT's HardwareCompatibilityLevel: on which other GPUs an engine runs. */
export const hardwareCompatibilityLevels = ['None', 'AmperePlus', 'SameComputeCapability'] as const;

/** Compute capabilities that TensorRT for RTX 1.x compiles for (its ComputeCapability enum). */
export const rtxComputeCapabilities = ['7.5', '8.0', '8.6', '8.9', '12.0', '12.1'] as const;

/** Why a backend cannot build this, or undefined if it can. Source of the Turing row: the builder's own refusal. */
export const explainRefusal = (
  backend: Backend,
  dataType: DataType,
  computeCapability?: string,
): string | undefined => {
  if (backend !== 'TensorRtRtx') return undefined;
  if (computeCapability === undefined)
    return 'TensorRtRtx builds for a named compute capability: set engine.computeCapability, for example "8.6"';
  if (!rtxComputeCapabilities.some((known) => known === computeCapability))
    return `TensorRtRtx cannot build for compute capability ${computeCapability}: it knows ${rtxComputeCapabilities.join(', ')}`;
  if (computeCapability === '7.5' && dataType === 'fp32')
    return 'TensorRtRtx has no fp32 matrix kernels for compute capability 7.5 (Turing): use dataType fp16 or int8';
  return undefined;
};
