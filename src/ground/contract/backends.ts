/** The engine backends. What each version of a backend can build is in `plans/families.ts`. */

/**
 * How int8 scales reach a TensorRT builder. `DynamicRanges`: tensor by tensor, beside a graph without quantisers. `QdqGraph`:
 * as Q/DQ nodes.
 */
export const int8Routes = ['DynamicRanges', 'QdqGraph'] as const;
export type Int8Route = (typeof int8Routes)[number];

/** The form of the graph that a builder reads. */
export type GraphForm = 'Float32' | 'Float16' | 'Quantised';

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
  /** Part of the engine key. Increase it when the same inputs would give different bytes. */
  readonly planFormatVersion: number;
  /** The same for int8 engines alone; absent before their first change. */
  readonly int8FormatVersion?: number;
};

/** Capabilities by backend name. */
export const backends = {
  TensorRtRtx: {
    description: 'TensorRT for RTX: engines for a named compute capability, built without a GPU.',
    engineFile: 'model.engine',
    needsGpu: false,
    needsComputeCapability: true,
    planFormatVersion: 1,
    int8FormatVersion: 2,
  },
  TensorRt: {
    description: "Classic TensorRT 8.5 to 11 in NVIDIA's image, built on a node that has the GPU.",
    engineFile: 'model.engine',
    needsGpu: true,
    needsComputeCapability: false,
    planFormatVersion: 1,
    int8FormatVersion: 2,
  },
  OnnxRuntime: {
    description: 'ONNX Runtime on a CPU: a graph optimised for the processor that it was built on.',
    engineFile: 'model.onnx',
    needsGpu: false,
    needsComputeCapability: false,
    planFormatVersion: 1,
    int8FormatVersion: 4,
  },
} as const satisfies Record<string, BackendRow>;

export type Backend = keyof typeof backends;

/** Names of all backends. */
export const backendNames = Object.keys(backends) as Backend[];

/** Which int8 engine is stored. `Precision`: the requested one. `Fastest`: float instead, where that is faster. */
export const preferences = ['Precision', 'Fastest'] as const;
export type Preference = (typeof preferences)[number];

/** TensorRT's HardwareCompatibilityLevel: on which other GPUs an engine runs. */
export const hardwareCompatibilityLevels = ['None', 'AmperePlus', 'SameComputeCapability'] as const;
export type HardwareCompatibility = (typeof hardwareCompatibilityLevels)[number];
