/** Runs a calibration like an export does, for tests that need its scales and images. */
import type { OpenedModel } from '../../src/export/models/open-model.ts';
import { type Calibrated, type CalibrationRequest, calibrate } from '../../src/export/pipeline/export.ts';

export const nobodyWatches = { progress: () => {}, signal: new AbortController().signal };

type Wanted = Pick<CalibrationRequest, 'source' | 'algorithm' | 'batchSize'> & Partial<CalibrationRequest>;

/** Defaults: two batches, seed 42. */
export const calibrateOn = (opened: OpenedModel, wanted: Wanted): Promise<Calibrated> => {
  const request = { batches: 2, seed: 42, tensorRtVersion: '8.6.1', ...wanted };
  return calibrate(opened, { request, watch: nobodyWatches });
};
