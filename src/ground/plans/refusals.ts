/** What cannot be built, known before a pod takes a GPU. Each row says why, and what to change. */
import { backends } from '../contract/backends.ts';
import { field } from '../contract/fields.ts';
import { type Family, families, findFamily } from './families.ts';
import type { PlanRefusal, PlanRequest } from './plan-request.ts';
import { isOlder } from './version.ts';

/** Compute capabilities of devices with a Deep Learning Accelerator: Xavier and Orin. */
export const dlaCapabilities = ['7.2', '8.7'] as const;

type Rule = (request: PlanRequest, family: Family) => string | undefined | false;

/** Rules in the order in which they are tried. */
const rules: Readonly<Record<string, Rule>> = {
  VersionMissing: ({ backend, version }) =>
    backend === 'TensorRt' &&
    version === undefined &&
    `what TensorRT can build depends on its version: set ${field('engineVersion')} to that of the TensorRT that builds, for example 10.3`,

  CapabilityMissing: ({ backend, computeCapability }) =>
    backends[backend].needsComputeCapability &&
    computeCapability === undefined &&
    `${backend} builds for a named compute capability: set ${field('computeCapability')}, for example 8.6`,

  CapabilityUnknown: ({ computeCapability }, { title, capabilities }) =>
    computeCapability !== undefined &&
    !buildsFor(capabilities, computeCapability) &&
    `${title} cannot build for compute capability ${computeCapability}: it builds for ${describeCapabilities(capabilities)}. Choose another version or backend`,

  PreferenceOfOtherBackend: ({ backend, prefer }) =>
    prefer === 'Fastest' &&
    `the build of ${backend} cannot time int8 against float, because only OnnxRuntime runs both where it builds: leave ${field('prefer')} out, or choose the precision with ${field('dataType')}`,

  TuringFloat32: ({ backend, dataType, computeCapability }) =>
    backend === 'TensorRtRtx' &&
    computeCapability === '7.5' &&
    dataType === 'fp32' &&
    `TensorRtRtx has no fp32 matrix kernels for compute capability 7.5 (Turing): use ${field('dataType')} fp16`,

  ScalesMissing: ({ dataType, scales }) =>
    dataType === 'int8' &&
    scales === 'None' &&
    `int8 needs scales, and there are none: calibrate, or use ${field('dataType')} fp16`,

  Int8Missing: ({ dataType }, { title, int8 }) =>
    dataType === 'int8' &&
    int8.length === 0 &&
    `${title} has no int8 convolutions: use version 1.7 or later, or ${field('dataType')} fp16`,

  DlaOfOtherVersion: ({ dla }, { title, hasDla }) =>
    dla !== undefined &&
    !hasDla &&
    `${title} has no support for a DLA: use TensorRT 8.5 to 10.7, or leave ${field('dlaCore')} out`,

  DlaOfOtherDevice: ({ dla, computeCapability }) =>
    dla !== undefined &&
    computeCapability !== undefined &&
    !dlaCapabilities.some((known) => known === computeCapability) &&
    `a device of compute capability ${computeCapability} has no DLA; those of ${dlaCapabilities.join(' and ')} (Xavier, Orin) have: leave ${field('dlaCore')} out, or fix ${field('targetCapability')}`,

  DlaFloat32: ({ dla, dataType }) =>
    dla !== undefined &&
    dataType === 'fp32' &&
    `a DLA computes in fp16 and int8 alone: use ${field('dataType')} fp16 or int8`,

  DlaTrainedScales: ({ dla, dataType, scales }) =>
    dla !== undefined &&
    dataType === 'int8' &&
    scales === 'Trained' &&
    `a DLA needs a scale for every tensor, and quantisation-aware training leaves some out: set ${field('forcePtq')}, and calibrate`,

  DlaQuantisers: ({ dla, dataType, int8Route }) =>
    dla !== undefined &&
    dataType === 'int8' &&
    int8Route === 'QdqGraph' &&
    'a DLA takes no Q/DQ nodes: set the int8 route to DynamicRanges, or leave it out',

  RouteMissing: ({ dataType, int8Route }, { title, int8 }) =>
    dataType === 'int8' &&
    int8Route !== undefined &&
    !int8.includes(int8Route) &&
    `${title} has neither a calibrator nor dynamic ranges: set the int8 route to QdqGraph, or leave it out`,

  SettingMissing: (request, { title, lacks = [] }) => {
    const asked = lacks.filter((setting) => request[setting] !== undefined && request[setting] !== false);
    return (
      asked.length > 0 && `${title} has no ${asked.join(', ')}: leave it out, or use TensorRT 8.6 or later`
    );
  },

  CompatibilityMissing: ({ hardwareCompatibility: level }, { hardwareCompatibility: levels, title }) =>
    level !== undefined &&
    !levels.includes(level) &&
    `${title} has no hardwareCompatibilityLevel ${level}: ${levels.length > 1 ? `it knows ${levels.join(', ')}` : 'leave it out, or use TensorRT 8.6 or later'}`,

  CompatibilityTooOld: ({ hardwareCompatibility, computeCapability }) =>
    hardwareCompatibility === 'AmperePlus' &&
    computeCapability !== undefined &&
    isOlder(computeCapability, '8.0') &&
    `hardwareCompatibilityLevel AmperePlus needs compute capability 8.0 or later, not ${computeCapability}: leave it out`,

  CompatibilityOnJetson: ({ hardwareCompatibility, dla }) =>
    dla !== undefined &&
    hardwareCompatibility !== undefined &&
    hardwareCompatibility !== 'None' &&
    'hardware compatibility is not available on JetPack, which has the DLA: leave hardwareCompatibilityLevel out',

  BatchOutOfOrder: ({ batch: { min, opt, max } }) =>
    !(1 <= min && min <= opt && opt <= max) &&
    `the batch sizes ${min}, ${opt}, ${max} are not in order: give the smallest, the most likely and the largest`,
};

/** The first rule that refuses a request. */
export const findPlanRefusal = (request: PlanRequest): PlanRefusal | undefined => {
  const family = findFamily(request.backend, request.version);
  if (family === undefined) return unknownVersion(request);
  for (const [rule, refuse] of Object.entries(rules)) {
    const message = refuse(request, family);
    if (message) return { rule, message };
  }
  return undefined;
};

const unknownVersion = ({ backend, version }: PlanRequest): PlanRefusal => ({
  rule: 'VersionUnknown',
  message: `${backend} ${version} is not supported: set ${field('engineVersion')} to one of ${families[backend].map(({ title }) => title).join(', ')}`,
});

const buildsFor = (capabilities: Family['capabilities'], capability: string): boolean =>
  'only' in capabilities
    ? capabilities.only.includes(capability)
    : !isOlder(capability, capabilities.from) &&
      (capabilities.to === undefined || !isOlder(capabilities.to, capability));

/** The compute capabilities of a family, in words. */
export const describeCapabilities = (capabilities: Family['capabilities']): string => {
  if ('only' in capabilities) return capabilities.only.join(', ');
  const { from, to } = capabilities;
  return to === undefined ? `${from} and later` : `${from} to ${to}`;
};
