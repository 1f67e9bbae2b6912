/** The task of an int8 export of a classifier, calibrated on four photos in the claim `models`. */
import type { ExportTask } from '../../src/ground/contract/task.ts';

export const anExportTask = (changes: Partial<ExportTask> = {}): ExportTask => ({
  architecture: 'classification',
  model: { uri: 'pvc://models/m.tlt' },
  dataType: 'int8',
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://models/photos' },
    batches: 1,
    batchSize: 4,
    algorithm: 'MinMax',
  },
  forcePtq: false,
  exportKey: 'k',
  folder: 'pvc://exports/out',
  ...changes,
});
