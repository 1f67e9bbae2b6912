/** Objects whose content keys are golden, written out: builders may get other defaults. */
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';

const metadata = (name: string) => ({
  name,
  namespace: 'vision',
  uid: `uid-${name}`,
  resourceVersion: '1',
  generation: 1,
});

const aModelExport = (
  spec: Pick<ModelExport['spec'], 'architecture' | 'model' | 'dataType'> & Partial<ModelExport['spec']>,
): ModelExport => ({
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'ModelExport',
  metadata: metadata('demo'),
  spec: {
    keySecretRef: { name: 'model-key', key: 'key' },
    forcePtq: false,
    strictTypeConstraints: false,
    maxBatchSize: 16,
    maxWorkspaceSize: '1Gi',
    output: { uri: 'pvc://exports/demo' },
    deviceClasses: [{ name: 'ampere' }, { name: 'cpu' }],
    failurePolicy: 'Continue',
    suspend: false,
    ...spec,
  },
});

export const modelExports: Readonly<Record<string, ModelExport>> = {
  'an int8 export': aModelExport({
    architecture: 'classification',
    model: { uri: 'pvc://models/classifier.tlt' },
    dataType: 'int8',
    calibration: {
      source: 'ImageDirectory',
      imageDirectory: { uri: 'pvc://models/images' },
      batches: 10,
      batchSize: 8,
      algorithm: 'Entropy',
    },
  }),
  'an fp16 export': aModelExport({
    architecture: 'classification',
    model: { uri: 'pvc://models/classifier.tlt' },
    dataType: 'fp16',
  }),
  'an export that calibrates on the training set': aModelExport({
    architecture: 'detectnet_v2',
    model: { uri: 'pvc://models/detector.tlt', sha256: 'a'.repeat(64) },
    dataType: 'int8',
    experimentSpec: { configMapKeyRef: { name: 'specs', key: 'detector.txt' } },
    calibration: {
      source: 'DataLoader',
      dataLoader: { dataRoot: { uri: 'pvc://data/kitti', pathInSpec: '/workspace/data' } },
      batches: 20,
      batchSize: 4,
      algorithm: 'Mse',
      keepFloat: ['conv1'],
      minAgreement: 20,
    },
  }),
};

const aClass = (name: string, engine: ExportDeviceClass['spec']['engine']): ExportDeviceClass => ({
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'ExportDeviceClass',
  metadata: metadata(name),
  spec: { engine, allowPending: false, nodeSelector: { pool: 'builders' } },
});

export const deviceClasses = {
  ampere: aClass('ampere', { backend: 'TensorRtRtx', computeCapability: '8.6' }),
  cpu: aClass('cpu', { backend: 'OnnxRuntime' }),
};

const aTensorfile = (
  spec: Pick<CalibrationTensorfile['spec'], 'maxBatches' | 'seed' | 'useValidationSet'>,
): CalibrationTensorfile => ({
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'CalibrationTensorfile',
  metadata: metadata('kitti'),
  spec: {
    architecture: 'detectnet_v2',
    experimentSpec: { configMapKeyRef: { name: 'specs', key: 'kitti.txt' } },
    dataRoot: { uri: 'pvc://data/kitti', pathInSpec: '/workspace/data' },
    output: { uri: 'pvc://exports/kitti' },
    suspend: false,
    ...spec,
  },
});

export const tensorfiles = {
  'a tensorfile': aTensorfile({ maxBatches: 10, seed: 42, useValidationSet: false }),
  'a validation tensorfile': aTensorfile({ maxBatches: 3, seed: 7, useValidationSet: true }),
};

/** Values whose canonical JSON is hashed. */
export const plainValues = {
  nothing: {},
  'members in another order': { b: [1, { d: 4, c: 3 }], a: undefined, ä: 'ö' },
  'nested lists': [[], [null, false, 0.1, 'x']],
};
