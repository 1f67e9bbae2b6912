/** Classic TensorRT on kubelets: classes with images of the stand-in, one a version family, and one for each of its failures. */
import type { ExecutionContext } from 'ava';
import type { ModelExport, ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import type { DemoCluster } from '../cluster/cluster.ts';
import { builtOf, conditionOf, isReady, namespace, sampleName, untilStatus } from '../demo/scenario.ts';
import { type StandInName, standInImage, standIns } from '../tensorrt/stand-in-images.ts';

/** The image by the digest that it has on the nodes. */
export type Pinned = (image: string) => Promise<string>;

type Changes = { readonly dlaCore?: number };

/** A class for a DLA names no compute capability, because that of an A10 has none and would be refused before a pod starts. */
const hardwareOf = ({ dlaCore }: Changes) =>
  dlaCore === undefined ? { computeCapability: '8.6' } : { products: ['NVIDIA-A10'] };

/** A class of nodes with compute capability 8.6, which the A10 of the stand-in has. */
const deviceClass = async (pinned: Pinned, name: string, standIn: StandInName, changes: Changes = {}) => ({
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'ExportDeviceClass',
  metadata: { name },
  spec: {
    hardware: hardwareOf(changes),
    engine: {
      backend: 'TensorRt',
      version: standIns[standIn].version,
      image: await pinned(standInImage(standIn)),
      ...changes,
    },
  },
});

type Fault = { readonly reason: FailureReason; readonly says: RegExp; readonly changes?: Changes };

/** What fails on a node, the reason in status, and the words of its message. None is tried again: the same would happen. */
const faults: Readonly<Partial<Record<StandInName, Fault>>> = {
  'no-gpu': { reason: 'HardwareMismatch', says: /no usable GPU: cuInit ended with CUDA error 100/ },
  'other-gpu': {
    reason: 'HardwareMismatch',
    says: /has compute capability 7\.5, and the device class expects 8\.6/,
  },
  'no-dla': {
    reason: 'HardwareMismatch',
    says: /has 0 DLA cores, but core 0 is requested/,
    changes: { dlaCore: 0 },
  },
  'builder-error': { reason: 'EngineBuildFailed', says: /Could not find any implementation for node conv1/ },
  'gpu-memory': { reason: 'OutOfMemory', says: /OutOfMemory \(Requested size/ },
  'unsupported-layer': { reason: 'EngineBuildFailed', says: /Parsing the ONNX graph: .*UNSUPPORTED_NODE/ },
  'missing-scale': { reason: 'EngineBuildFailed', says: /had no scale for .*Missing scale and zero-point/s },
  killed: { reason: 'OutOfMemory', says: /ran out of memory: raise its memory limit in spec\.jobs/ },
};
const faultNames = Object.keys(faults) as StandInName[];

const classOf = (name: StandInName): string => `fault-${name}`;

/** The sample for four classes of three backends at once. */
export const forFourClasses = (sample: ModelExport): ModelExport => ({
  ...sample,
  metadata: { ...sample.metadata, namespace },
  spec: {
    ...sample.spec,
    deviceClasses: ['ampere', 'blackwell', 'classic-8', 'cpu'].map((name) => ({ name })),
  },
});

/** The class with the scales of the calibration. */
export const classicEight = (pinned: Pinned): Promise<object> => deviceClass(pinned, 'classic-8', '8.6');

/** The other classes, and two exports that reuse what the sample has exported. */
export const classicObjects = async (
  { apiVersion, kind, spec }: ModelExport,
  pinned: Pinned,
): Promise<readonly object[]> => {
  const derived = (name: string, changes: Partial<ModelExport['spec']>) => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: { ...spec, ...changes },
  });
  const memory = { requests: { memory: '64Mi' }, limits: { memory: '256Mi' } };
  return Promise.all([
    deviceClass(pinned, 'classic-10', '10.7'),
    deviceClass(pinned, 'classic-11', '11.4'),
    ...faultNames.map((name) => deviceClass(pinned, classOf(name), name, faults[name]!.changes)),
    derived('versions', { deviceClasses: ['classic-10', 'classic-11'].map((name) => ({ name })) }),
    derived('faults', {
      deviceClasses: faultNames.map((name) => ({ name: classOf(name) })),
      jobs: { engine: { resources: memory } },
    }),
  ]);
};

const limitMs = 300_000;

type Engine = NonNullable<ModelExportStatus['engines']>[number];
const engineOf = ({ engines }: ModelExportStatus, name: string): Engine | undefined =>
  engines?.find(({ deviceClass: found }) => found === name);

/** Each class has an engine of its own builder; that of TensorRT 8.6 took the scales of the calibration. */
export const buildForFourClasses = async (t: ExecutionContext, cluster: DemoCluster): Promise<void> => {
  const status = await untilStatus(cluster, sampleName, { holds: isReady, limitMs });
  t.deepEqual(
    status.engines!.map(
      ({ deviceClass: name, runtime, dataType }) => `${name} ${runtime!.name.split(' ')[0]} ${dataType}`,
    ),
    [
      'ampere TensorRT-RTX int8',
      'blackwell TensorRT-RTX int8',
      'classic-8 TensorRT int8',
      'cpu OnnxRuntime int8',
    ],
  );
  const { runtime, evidence } = engineOf(status, 'classic-8')!;
  t.is(runtime!.version, standIns['8.6'].version);
  t.true(evidence!.scalesUsed! > 0, JSON.stringify(evidence));
};

/** Every failure has its reason, and no second attempt. */
export const failAsReported = async (t: ExecutionContext, cluster: DemoCluster): Promise<void> => {
  const status = await untilStatus(cluster, 'faults', {
    holds: (found) => faultNames.every((name) => engineOf(found, classOf(name))?.attempts !== undefined),
    limitMs,
  });
  for (const name of faultNames) {
    const { reason, says } = faults[name]!;
    const { attempts, nextAttempt } = engineOf(status, classOf(name))!;
    t.deepEqual(
      attempts!.map((attempt) => attempt.reason),
      [reason],
      `${name}: ${attempts![0]!.message}`,
    );
    t.regex(attempts![0]!.message, says, name);
    t.is(builtOf(status, classOf(name))!.reason, reason);
    t.is(nextAttempt, undefined, name);
  }
  t.is(conditionOf(status, 'Stalled')!.status, 'True');
};

const jobsOf = async ({ kubectl }: DemoCluster, deviceClassName: string): Promise<readonly string[]> => {
  const label = `export.tlt.dev/model-export=versions,export.tlt.dev/device-class=${deviceClassName}`;
  return (await kubectl(['get', 'jobs', '-n', namespace, '-l', label, '-o', 'name'])).trim().split('\n');
};

/** A class that moves on to another TensorRT has its engine built again, and no other class has. */
export const rebuildOneClass = async (
  t: ExecutionContext,
  cluster: DemoCluster,
  pinned: Pinned,
): Promise<void> => {
  const before = await untilStatus(cluster, 'versions', { holds: isReady, limitMs });
  t.is(engineOf(before, 'classic-10')!.runtime!.version, standIns['10.7'].version);
  t.is(engineOf(before, 'classic-11')!.runtime!.version, standIns['11.4'].version);
  const others = await jobsOf(cluster, 'classic-11');
  const newer = await deviceClass(pinned, 'classic-10', '10.13');
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(newer));
  const after = await untilStatus(cluster, 'versions', {
    holds: (status) =>
      isReady(status) && engineOf(status, 'classic-10')!.key !== engineOf(before, 'classic-10')!.key,
    limitMs,
  });
  t.is(engineOf(after, 'classic-10')!.runtime!.version, standIns['10.13'].version);
  t.deepEqual(engineOf(after, 'classic-11'), engineOf(before, 'classic-11'));
  t.deepEqual(await jobsOf(cluster, 'classic-11'), others);
};
