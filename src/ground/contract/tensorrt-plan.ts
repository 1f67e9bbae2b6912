/**
 * The plan of one TensorRT build: what the driver does, in the names of TensorRT's Python API. The driver looks nothing up
 * and decides nothing: a name that its TensorRT lacks is an error.
 */
import type { GraphForm, HardwareCompatibility, Int8Route, PluginNodes, Preference } from './backends.ts';

/** Smallest, most likely and largest batch of an engine. */
export type BatchProfile = { readonly min: number; readonly opt: number; readonly max: number };

/** A core of a Deep Learning Accelerator. */
export type Dla = {
  readonly core: number;
  /** Whether layers that the accelerator cannot run may run on the GPU. */
  readonly gpuFallback: boolean;
};

/** Settings of a build that a device class, or a flag, can leave out. */
export type EngineSettings = {
  /** Version of TensorRT that builds, with two to four numbers: the driver refuses any other. */
  readonly version?: string;
  /** Compute capability to build for, where no GPU is needed; that of the device class otherwise. */
  readonly computeCapability?: string;
  /** GPU products of the device class: values of the node label nvidia.com/gpu.product. */
  readonly products?: readonly string[];
  /** Layers of an int8 engine do not run in fp16 where that is faster. */
  readonly strictTypes?: boolean;
  /** Default: the first of the family of versions. */
  readonly int8Route?: Int8Route;
  readonly dla?: Dla;
  readonly hardwareCompatibility?: HardwareCompatibility;
  /** Whether newer TensorRT versions can run the engine. */
  readonly versionCompatible?: boolean;
  readonly builderOptimizationLevel?: number;
  readonly maxAuxStreams?: number;
  /** Whether an int8 build stores float where that is faster. Default: no. */
  readonly prefer?: Preference;
};

/** The plan. Names in capitals are members of TensorRT's enums. */
export type TensorRtPlan = {
  readonly planVersion: 1;
  readonly module: 'tensorrt' | 'tensorrt_rtx';
  /** The driver refuses a TensorRT outside of this range, or, with `exactly`, one whose version does not begin so. */
  readonly version: { readonly from: string; readonly below: string; readonly exactly?: string };
  readonly graph: GraphForm;
  readonly pluginNodes: PluginNodes;
  /** NetworkDefinitionCreationFlag */
  readonly networkFlags: readonly string[];
  /** BuilderFlag */
  readonly builderFlags: readonly string[];
  /** How scales reach an int8 build; undefined for a float build. */
  readonly int8?: Int8Route;
  /** DataType that constrained layers are set to: `kept` those kept in float, `scaled` those that compute in int8. */
  readonly layerPrecision: { readonly kept?: 'FLOAT' | 'HALF'; readonly scaled?: 'INT8' };
  readonly batch: BatchProfile;
  readonly workspaceBytes: number;
  /** Compute capability to compile for, where the builder takes one. */
  readonly computeCapability?: string;
  /** The GPU that the driver must find, where it needs one. */
  readonly gpu?: { readonly computeCapability?: string; readonly products?: readonly string[] };
  readonly dla?: Dla;
  /** HardwareCompatibilityLevel */
  readonly hardwareCompatibility?: string;
  readonly builderOptimizationLevel?: number;
  readonly maxAuxStreams?: number;
  readonly timingCache: boolean;
  readonly progress: boolean;
};
