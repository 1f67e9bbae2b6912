/** Plans a TensorRT build: pure, from a request to what the driver does, or to why it cannot be built. */
import type { GraphForm, Int8Route } from '../contract/backends.ts';
import type { BatchProfile, TensorRtPlan } from '../contract/tensorrt-plan.ts';
import { type Family, findFamily } from './families.ts';
import type { PlanRefusal, PlanRequest } from './plan-request.ts';
import { findPlanRefusal } from './refusals.ts';

/** Either a plan or a refusal. */
export type Planned =
  | { readonly plan: TensorRtPlan; readonly refused?: undefined }
  | { readonly plan?: undefined; readonly refused: PlanRefusal };

/** Plans the build, or says why there is none. */
export const planTensorRt = (request: PlanRequest): Planned => {
  const refused = findPlanRefusal(request);
  return refused ? { refused } : { plan: makePlan(request, findFamily(request.backend, request.version)!) };
};

const makePlan = (request: PlanRequest, family: Family): TensorRtPlan => {
  const { dataType, version, dla, computeCapability, products } = request;
  const int8 = dataType === 'int8' ? chooseRoute(request, family) : undefined;
  const typing = chooseTyping(request, family);
  const needsGpu = family.module === 'tensorrt';
  const gpu = { ...(computeCapability && { computeCapability }), ...(products?.length && { products }) };
  return {
    planVersion: 1,
    module: family.module,
    version: { from: family.from, below: family.below, ...(version && { exactly: version }) },
    graph: chooseGraph(request, typing, int8),
    pluginNodes: family.pluginNodes,
    networkFlags: typing.flags,
    builderFlags: listBuilderFlags(request, typing, int8),
    ...(int8 && { int8 }),
    layerPrecision: typing.isStrong || int8 === undefined ? {} : choosePrecisions(request, int8),
    batch: dla ? fixBatch(request.batch.max) : request.batch,
    workspaceBytes: request.workspaceBytes,
    ...(needsGpu ? { gpu } : computeCapability && { computeCapability }),
    ...(dla && { dla }),
    ...pickSettings(request),
    timingCache: family.hasTimingCache,
    progress: family.hasProgress,
  };
};

/** A DLA takes no dynamic shapes. */
const fixBatch = (size: number): BatchProfile => ({ min: size, opt: size, max: size });

const chooseRoute = ({ dla, int8Route }: PlanRequest, { int8 }: Family): Int8Route =>
  dla ? 'DynamicRanges' : (int8Route ?? int8[0]!);

/** Who decides precisions: the graph of a strongly typed network, or the builder within its flags. */
type Typing = { readonly isStrong: boolean; readonly flags: readonly string[] };

/**
 * Strong types if the version has no others, or if strict types are requested: then no layer has a precision that its graph
 * does not specify. Dynamic ranges need a weakly typed network.
 */
const chooseTyping = (request: PlanRequest, family: Family): Typing => {
  const { weaklyTyped, stronglyTyped } = family;
  if (weaklyTyped === undefined) return { isStrong: true, flags: stronglyTyped ?? [] };
  const needsRanges = request.dataType === 'int8' && chooseRoute(request, family) === 'DynamicRanges';
  const wantsStrong = request.strictTypes && request.dataType !== 'fp32' && !needsRanges && !request.dla;
  return wantsStrong && stronglyTyped
    ? { isStrong: true, flags: stronglyTyped }
    : { isStrong: false, flags: weaklyTyped };
};

const chooseGraph = (
  { dataType }: PlanRequest,
  { isStrong }: Typing,
  int8: Int8Route | undefined,
): GraphForm => {
  if (int8) return int8 === 'QdqGraph' ? 'Quantised' : 'Float32';
  return dataType === 'fp16' && isStrong ? 'Float16' : 'Float32';
};

/** In a fixed order, so that equal requests have equal plans. */
const listBuilderFlags = (
  request: PlanRequest,
  { isStrong }: Typing,
  int8: Int8Route | undefined,
): readonly string[] => {
  const { dataType, strictTypes, keepsFloat, dla, versionCompatible } = request;
  const isWeak = !isStrong;
  const isStrictRange = strictTypes && int8 === 'DynamicRanges';
  return Object.entries({
    INT8: isWeak && dataType === 'int8',
    // As TLT: an int8 engine may use fp16 unless types are strict. A DLA has no fp32 to fall back to.
    FP16: isWeak && (dataType === 'fp16' || (dataType === 'int8' && (!strictTypes || dla !== undefined))),
    OBEY_PRECISION_CONSTRAINTS: isWeak && int8 === 'DynamicRanges' && (isStrictRange || keepsFloat),
    GPU_FALLBACK: dla?.gpuFallback,
    VERSION_COMPATIBLE: versionCompatible,
  }).flatMap(([flag, isSet]) => (isSet ? [flag] : []));
};

/** With Q/DQ nodes the graph itself says which layers compute in int8. */
const choosePrecisions = (
  { strictTypes, keepsFloat, dla }: PlanRequest,
  int8: Int8Route,
): TensorRtPlan['layerPrecision'] => {
  if (int8 === 'QdqGraph') return {};
  const isHalf = !strictTypes || dla !== undefined;
  return {
    ...(keepsFloat && { kept: isHalf ? 'HALF' : 'FLOAT' }),
    ...(strictTypes && { scaled: 'INT8' }),
  };
};

const pickSettings = ({
  hardwareCompatibility: level = 'None',
  builderOptimizationLevel,
  maxAuxStreams,
}: PlanRequest): Pick<
  TensorRtPlan,
  'hardwareCompatibility' | 'builderOptimizationLevel' | 'maxAuxStreams'
> => ({
  // HardwareCompatibilityLevel.AMPERE_PLUS is AmperePlus in the API.
  ...(level !== 'None' && {
    hardwareCompatibility: level.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(),
  }),
  ...(builderOptimizationLevel !== undefined && { builderOptimizationLevel }),
  ...(maxAuxStreams !== undefined && { maxAuxStreams }),
});
