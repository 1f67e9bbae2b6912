/** Objects whose content keys are golden. */
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { aDeviceClass, aModelExport, aSpec, aTensorfile } from '../builders/objects.ts';

const experimentSpec = { configMapKeyRef: { name: 'specs', key: 'classifier.txt' } };

const { calibration: _, ...withoutCalibration } = aSpec({ dataType: 'fp16' });

export const modelExports: Readonly<Record<string, ModelExport>> = {
  'an int8 export': aModelExport(),
  'an fp16 export': { ...aModelExport(), spec: withoutCalibration },
  'an export that calibrates on the training set': aModelExport({
    spec: {
      architecture: 'detectnet_v2',
      experimentSpec,
      model: { uri: 'pvc://models/detector.tlt', sha256: 'a'.repeat(64) },
      calibration: {
        source: 'DataLoader',
        dataLoader: { dataRoot: { uri: 'pvc://data/kitti', pathInSpec: '/workspace/data' } },
        batches: 20,
        batchSize: 4,
        algorithm: 'Mse',
        keepFloat: ['conv1'],
        minAgreement: 20,
      },
    },
  }),
};

export const deviceClasses = { ampere: aDeviceClass('ampere'), cpu: aDeviceClass('cpu') };

export const tensorfiles = {
  'a tensorfile': aTensorfile(),
  'a validation tensorfile': aTensorfile({ spec: { useValidationSet: true, seed: 7, maxBatches: 3 } }),
};

/** Values whose canonical JSON is hashed. */
export const plainValues = {
  nothing: {},
  'members in another order': { b: [1, { d: 4, c: 3 }], a: undefined, ä: 'ö' },
  'nested lists': [[], [null, false, 0.1, 'x']],
};
