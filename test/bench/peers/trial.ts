/**
 * One model and its images, in files that every tool reads: 32 images calibrate, the build chooses scales on the next 32, and 32 others,
 * of which no quantiser knows, compare (8 for large images).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Batch, sampledBatches } from '../../../src/data/preprocessing/batches.ts';
import { type Preprocessing, scaleOf } from '../../../src/data/preprocessing/normalise.ts';
import type { SampledImage } from '../../../src/data/preprocessing/sampled-image.ts';
import type { OpenedModel } from '../../../src/export/models/open-model.ts';
import { openSource } from '../../../src/export/pipeline/calibration-source.ts';
import { selectHeldOut } from '../../../src/export/pipeline/verify-int8.ts';
import { serializeModel } from '../../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../../src/formats/onnx/tensor-file.ts';
import { raiseOpset } from '../../../src/graph/transforms/raise-opset.ts';
import { collect } from '../../builders/collected.ts';
import type { CollectedModel } from '../../collection/models.ts';
import { folderOf, openCollected } from '../../collection/opened.ts';

/** What `tlt-export` draws from the folder with these settings. */
export const sampling = { batches: 4, batchSize: 8, seed: 42 } as const;

/** Images that compare; fewer of a network that takes half a second for one. */
const countCompared = ({ height, width }: OpenedModel): number => (height * width > 416 ** 2 ? 8 : 32);

export type Trial = {
  readonly of: CollectedModel;
  readonly opened: OpenedModel;
  /** Folder of this trial's files. */
  readonly folder: string;
  /** The folder of images that `tlt-export` reads. */
  readonly pictures: string;
  /** The float model with opset 13 or later. */
  readonly source: string;
  /** Calibration images, each an ONNX TensorProto [1,…]. */
  readonly calibration: readonly string[];
  /** The files of the same images and how to preprocess them, as JSON. */
  readonly photos: string;
  /** Images that no quantiser knows. */
  readonly heldOut: readonly Batch[];
};

/** Writes the model and its calibration images into a folder, which it creates. */
export const prepareTrial = async (of: CollectedModel, folder: string): Promise<Trial> => {
  mkdirSync(folder, { recursive: true });
  const opened = await openCollected(of);
  const pictures = await folderOf(of.pictures ?? 'photos');
  const source = join(folder, 'source.onnx');
  writeFileSync(source, serializeModel(raiseOpset(opened.model)));
  const drawn = await openSource(opened, {
    ...sampling,
    source: { kind: 'Images', folder: pictures },
    rows: 1,
  });
  const calibration: string[] = [];
  const files: string[] = [];
  for await (const { data, dims, paths } of drawn.batches) {
    const path = join(folder, `${calibration.length}.pb`);
    writeFileSync(path, serializeTensor(tensorFromFloats(opened.input, dims, data)));
    calibration.push(path);
    files.push(...paths);
  }
  const photos = join(folder, 'photos.json');
  writeFileSync(photos, JSON.stringify(describePhotos(opened, files, drawn.preprocessing!)));
  const { length: known } = await selectHeldOut(opened, drawn.heldOut(), undefined);
  const unknown: SampledImage[] = [];
  for await (const image of drawn.heldOut()) unknown.push(image);
  const { channels, height, width } = opened;
  const heldOut = await collect(
    sampledBatches(unknown.slice(known, known + countCompared(opened)), {
      size: { channels, height, width },
      batchSize: 1,
    }),
  );
  return { of, opened, folder, pictures, source, calibration, photos, heldOut };
};

/** What `quantise.py` needs to make the same tensors with Pillow and NumPy. */
const describePhotos = (
  { channels, height, width }: OpenedModel,
  files: readonly string[],
  preprocessing: Preprocessing,
) => ({
  files,
  ...{ channels, height, width, order: preprocessing.order },
  mean: Array.from({ length: channels }, (_, channel) => preprocessing.mean[channel]),
  scale: Array.from({ length: channels }, (_, channel) => scaleOf(preprocessing, channel)),
});
