/** A calibration as an export makes it, for tests of what follows from its scales and its images. */
import type { OpenedModel } from '../../src/export/models/open-model.ts';
import { type Calibrated, type CalibrationRequest, calibrate } from '../../src/export/pipeline/export.ts';

export const nobodyWatches = { progress: () => {}, signal: new AbortController().signal };

type Wanted = Pick<CalibrationRequest, 'source' | 'algorithm' | 'batchSize'> & Partial<CalibrationRequest>;

/** Two batches, by the seed 42, unless it is said otherwise. */
export const calibratedOn = (opened: OpenedModel, wanted: Wanted): Promise<Calibrated> => {
  const request = { batches: 2, seed: 42, tensorRtVersion: '8.6.1', ...wanted };
  return calibrate(opened, { request, watch: nobodyWatches });
};
