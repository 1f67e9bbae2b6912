/** Valid objects with defaults; a test names only what differs. */
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import type { ExportedArtifacts } from '../../src/cluster/jobs/engine-job.ts';
import type { Job } from '../../src/cluster/jobs/job.ts';
import type { ObservedClass, ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { JobState, ObservedJob } from '../../src/cluster/ownedjobs/observed-job.ts';
import type { Obstacles } from '../../src/cluster/ownedjobs/start.ts';
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import type { EngineBuilt, Exported, Stage, TensorfileWritten } from '../../src/ground/contract/result.ts';

export const aSpec = (changes: Partial<ModelExport['spec']> = {}): ModelExport['spec'] => ({
  architecture: 'classification',
  model: { uri: 'pvc://models/classifier.tlt' },
  keySecretRef: { name: 'classifier-key', key: 'key' },
  dataType: 'int8',
  forcePtq: false,
  strictTypeConstraints: false,
  maxBatchSize: 16,
  maxWorkspaceSize: '1Gi',
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://models/images' },
    batches: 10,
    batchSize: 8,
    algorithm: 'Entropy',
  },
  output: { uri: 'pvc://exports/classifier' },
  deviceClasses: [{ name: 'ampere' }, { name: 'cpu' }],
  failurePolicy: 'Continue',
  suspend: false,
  ...changes,
});

type ModelExportChanges = {
  readonly spec?: Partial<ModelExport['spec']>;
  readonly status?: ModelExport['status'];
  readonly metadata?: Partial<ModelExport['metadata']>;
};

export const aModelExport = ({ spec, status, metadata }: ModelExportChanges = {}): ModelExport =>
  ({
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ModelExport',
    metadata: {
      name: 'demo',
      namespace: 'vision',
      uid: 'uid-demo',
      resourceVersion: '1',
      generation: 1,
      ...metadata,
    },
    spec: aSpec(spec),
    ...(status && { status }),
  }) as ModelExport;

type TensorfileChanges = {
  readonly spec?: Partial<CalibrationTensorfile['spec']>;
  readonly status?: CalibrationTensorfile['status'];
  readonly metadata?: Partial<CalibrationTensorfile['metadata']>;
};

export const aTensorfile = ({ spec, status, metadata }: TensorfileChanges = {}): CalibrationTensorfile =>
  ({
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'CalibrationTensorfile',
    metadata: {
      name: 'kitti',
      namespace: 'vision',
      uid: 'uid-kitti',
      resourceVersion: '1',
      generation: 1,
      ...metadata,
    },
    spec: {
      architecture: 'detectnet_v2',
      experimentSpec: { configMapKeyRef: { name: 'specs', key: 'kitti.txt' } },
      dataRoot: { uri: 'pvc://data/kitti', pathInSpec: '/workspace/data' },
      maxBatches: 10,
      useValidationSet: false,
      seed: 42,
      output: { uri: 'pvc://exports/kitti' },
      suspend: false,
      ...spec,
    },
    ...(status && { status }),
  }) as CalibrationTensorfile;

export const aDeviceClass = (
  name: string,
  changes: Partial<ExportDeviceClass['spec']> = {},
): ExportDeviceClass =>
  ({
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ExportDeviceClass',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '1', generation: 1 },
    spec: {
      engine:
        name === 'cpu' ? { backend: 'OnnxRuntime' } : { backend: 'TensorRtRtx', computeCapability: '8.6' },
      ...changes,
    },
  }) as ExportDeviceClass;

export const aClass = (name: string, changes: Partial<ObservedClass> = {}): ObservedClass => ({
  name,
  deviceClass: aDeviceClass(name),
  matchingNodes: 1,
  listNodes: () => [],
  ...changes,
});

/** No Job is refused, and no other object makes the same artifact. */
export const noObstacles: Obstacles = {
  findRefusal: () => undefined,
  findTwin: () => undefined,
  findClaim: () => undefined,
};

export const anObserved = (changes: Partial<ObservedExport> = {}): ObservedExport => ({
  modelExport: aModelExport(),
  tensorfile: undefined,
  classes: [aClass('ampere'), aClass('cpu')],
  jobs: [],
  images: { worker: 'worker:dev', rtx: 'rtx:dev' },
  now: Date.parse('2026-01-01T00:00:00Z'),
  obstacles: noObstacles,
  ...changes,
});

/** A Job of this manifest as the cache stores it. */
export const aJobOf = (
  { metadata: { name, labels } }: Job,
  state: JobState,
  changes: Partial<ObservedJob> = {},
): ObservedJob => ({
  name,
  uid: `uid-${name}`,
  stage: labels['export.tlt.dev/stage'] as Stage,
  deviceClass: labels['export.tlt.dev/device-class'],
  key: labels['export.tlt.dev/artifact-key'],
  attempt: labels['export.tlt.dev/attempt'],
  template: labels['export.tlt.dev/template']!,
  state,
  createdAtMs: undefined,
  startedAtMs: undefined,
  finishedAtMs: undefined,
  node: undefined,
  hardware: undefined,
  report: undefined,
  isQueued: false,
  isConfirmed: true,
  suspendedByUs: false,
  ...changes,
});

export const active: JobState = { kind: 'Active', suspended: false };

const digest = (character: string): string => character.repeat(64);

export const anExported = (changes: Partial<Exported> = {}): Exported => ({
  kind: 'Exported',
  etlt: {
    file: 'model.etlt',
    sha256: digest('a'),
    payloadDigest: digest('e'),
    sizeBytes: 1000,
    inputNode: 'input_1',
    outputNodes: ['predictions/Softmax'],
  },
  calibrationCache: {
    file: 'calibration.cache',
    sha256: digest('b'),
    sizeBytes: 100,
    algorithm: 'Entropy',
    tensors: 10,
    batches: 10,
    images: 80,
  },
  reused: false,
  ...changes,
});

/** The result of an export. */
export const someArtifacts = (): ExportedArtifacts => {
  const folder = 'pvc://exports/classifier/k';
  const { etlt, calibrationCache } = anExported();
  return { folder, etlt: toArtifact(folder, etlt), calibrationCache: toArtifact(folder, calibrationCache!) };
};

export const anEngineBuilt = (): EngineBuilt => ({
  kind: 'EngineBuilt',
  engine: {
    file: 'model.engine',
    sha256: digest('c'),
    sizeBytes: 5000,
  },
  runtime: { name: 'TensorRtRtx', version: '1.7.1.116' },
  reused: false,
});

export const aTensorfileWritten = (character = 'd'): TensorfileWritten => ({
  kind: 'TensorfileWritten',
  tensorfile: {
    file: 'calibration.tensor',
    sha256: digest(character),
    sizeBytes: 9000,
    batches: 10,
    images: 160,
  },
  reused: false,
});
