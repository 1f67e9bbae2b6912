/** Trained models of the fixtures, calibrated on photos. */
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { batchHeldOut } from '../../src/export/pipeline/verify-int8.ts';
import { type ModelName, modelFile } from '../models/models.ts';
import { photosFolder } from '../photos/photos.ts';
import { calibrateOn } from './calibrated.ts';
import { collect } from './collected.ts';

const architectureOf = { classifier: 'classification', detectnet_v2: 'detectnet_v2' } as const;

const calibration = async (name: ModelName) => {
  const architecture = architectureOf[name];
  const opened = await openModel({ path: modelFile(name), key: 'none', architecture });
  const source = { kind: 'Images', folder: await photosFolder() } as const;
  const sampling = { batches: 2, batchSize: 8, seed: 42 };
  const { scales, heldOut } = await calibrateOn(opened, { source, ...sampling, algorithm: 'Percentile' });
  const { chosen } = await sampleImages(source.folder, sampling);
  const heldOutBatches = await collect(batchHeldOut(opened, heldOut)!);
  return { opened, scales, heldOut, chosen, heldOutBatches };
};

const known = new Map<ModelName, ReturnType<typeof calibration>>();

/** Computed once per model in a process, because it is the same in every test. */
export const calibrated = (name: ModelName): ReturnType<typeof calibration> => {
  const found = known.get(name) ?? calibration(name);
  known.set(name, found);
  return found;
};
