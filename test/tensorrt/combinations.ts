/** Requests of every kind for every family of TensorRT versions, each with a name; fixtures/tensorrt/plans.json has what becomes of each. */
import type { TensorRtBackend } from '../../src/ground/plans/families.ts';
import type { PlanRequest } from '../../src/ground/plans/plan-request.ts';

export type Combination = { readonly name: string; readonly request: PlanRequest };

const base = {
  scales: 'None',
  batch: { min: 1, opt: 8, max: 16 },
  workspaceBytes: 2 ** 30,
} as const;

const int8 = { dataType: 'int8', scales: 'Calibrated' } as const;
const orin = { dla: { core: 0, gpuFallback: true }, computeCapability: '8.7' } as const;

/** Changes of a request by what they ask for. */
const asked: Readonly<Record<string, Partial<PlanRequest>>> = {
  fp32: { dataType: 'fp32' },
  fp16: { dataType: 'fp16' },
  'fp16, strict': { dataType: 'fp16', strictTypes: true },
  int8: int8,
  'int8, strict': { ...int8, strictTypes: true },
  'int8, layers in float': { ...int8, keepsFloat: true },
  'int8, strict, layers in float': { ...int8, strictTypes: true, keepsFloat: true },
  'int8, trained': { ...int8, scales: 'Trained' },
  'int8 by dynamic ranges': { ...int8, int8Route: 'DynamicRanges' },
  'int8 by dynamic ranges, strict': { ...int8, int8Route: 'DynamicRanges', strictTypes: true },
  'int8 by Q/DQ nodes': { ...int8, int8Route: 'QdqGraph' },
  'int8 without scales': { dataType: 'int8' },
  'fp16 on a DLA': { dataType: 'fp16', ...orin },
  'int8 on a DLA': { ...int8, ...orin },
  'int8 on a DLA alone': { ...int8, ...orin, dla: { core: 1, gpuFallback: false } },
  'int8 on a DLA, strict': { ...int8, ...orin, strictTypes: true },
  'int8 on a DLA, trained': { ...int8, ...orin, scales: 'Trained' },
  'int8 on a DLA by Q/DQ nodes': { ...int8, ...orin, int8Route: 'QdqGraph' },
  'fp16 on a DLA, for Ampere and later': { dataType: 'fp16', ...orin, hardwareCompatibility: 'AmperePlus' },
  'fp32 on a DLA': { dataType: 'fp32', ...orin },
  'fp16 on the DLA of a T4': { dataType: 'fp16', ...orin, computeCapability: '7.5' },
  'fp16, for Ampere and later': {
    dataType: 'fp16',
    hardwareCompatibility: 'AmperePlus',
    computeCapability: '8.6',
  },
  'fp16 of a T4, for Ampere and later': {
    dataType: 'fp16',
    hardwareCompatibility: 'AmperePlus',
    computeCapability: '7.5',
  },
  'fp16, for the same compute capability': {
    dataType: 'fp16',
    hardwareCompatibility: 'SameComputeCapability',
    computeCapability: '8.6',
  },
  'fp16, for newer versions': { dataType: 'fp16', versionCompatible: true },
  'fp16, every option': {
    dataType: 'fp16',
    builderOptimizationLevel: 5,
    maxAuxStreams: 2,
    products: ['NVIDIA-A10', 'NVIDIA-A10G'],
  },
  'fp32 on Turing': { dataType: 'fp32', computeCapability: '7.5' },
  'fp16 on Pascal': { dataType: 'fp16', computeCapability: '6.1' },
  'fp16 on Blackwell': { dataType: 'fp16', computeCapability: '12.0' },
  'fp16, batch sizes out of order': { dataType: 'fp16', batch: { min: 4, opt: 2, max: 8 } },
};

const versions: readonly (readonly [TensorRtBackend, string])[] = [
  ['TensorRt', '8.5.2'],
  ['TensorRt', '8.6.1'],
  ['TensorRt', '10.3'],
  ['TensorRt', '10.8.0'],
  ['TensorRt', '10.13'],
  ['TensorRt', '11.0'],
  ['TensorRtRtx', '1.4'],
  ['TensorRtRtx', '1.7'],
];

const rtxTarget = (backend: TensorRtBackend): Partial<PlanRequest> =>
  backend === 'TensorRtRtx' ? { computeCapability: '8.6' } : {};

const versioned = versions.flatMap(([backend, version]) =>
  Object.entries(asked).map(([what, changes]) => ({
    name: `${backend} ${version}: ${what}`,
    request: { ...base, backend, version, ...rtxTarget(backend), ...changes } as PlanRequest,
  })),
);

const fp16 = { ...base, dataType: 'fp16' } as const;

/** All combinations. */
export const combinations: readonly Combination[] = [
  ...versioned,
  { name: 'TensorRt without a version', request: { ...fp16, backend: 'TensorRt' } },
  {
    name: 'TensorRt 10.3 for the faster of int8 and float',
    request: { ...fp16, backend: 'TensorRt', version: '10.3', prefer: 'Fastest' },
  },
  { name: 'TensorRt 8.4', request: { ...fp16, backend: 'TensorRt', version: '8.4.1' } },
  {
    name: 'TensorRt 8.5.2: fp16 on the GPU of a Xavier',
    request: { ...fp16, backend: 'TensorRt', version: '8.5.2', computeCapability: '7.2' },
  },
  {
    name: 'TensorRt 8.5.2: int8 on the DLA of a Xavier',
    request: { ...base, ...int8, ...orin, backend: 'TensorRt', version: '8.5.2', computeCapability: '7.2' },
  },
  {
    name: 'TensorRt 8.5.2: fp16, builderOptimizationLevel alone',
    request: { ...fp16, backend: 'TensorRt', version: '8.5.2', builderOptimizationLevel: 3 },
  },
  ...['10.3', '10.7'].map((version) => ({
    name: `TensorRt ${version}: fp16 on Volta`,
    request: { ...fp16, backend: 'TensorRt', version, computeCapability: '7.0' } as const,
  })),
  { name: 'TensorRt 7.2', request: { ...fp16, backend: 'TensorRt', version: '7.2' } },
  { name: 'TensorRt 12.0', request: { ...fp16, backend: 'TensorRt', version: '12.0' } },
  { name: 'TensorRt 9.3', request: { ...fp16, backend: 'TensorRt', version: '9.3' } },
  {
    name: 'TensorRtRtx without a version',
    request: { ...fp16, backend: 'TensorRtRtx', computeCapability: '12.1' },
  },
  {
    name: 'TensorRtRtx 1.4 for 12.1',
    request: { ...fp16, backend: 'TensorRtRtx', version: '1.4', computeCapability: '12.1' },
  },
  { name: 'TensorRtRtx without a compute capability', request: { ...fp16, backend: 'TensorRtRtx' } },
];
