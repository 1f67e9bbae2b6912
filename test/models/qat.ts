/** Classifiers with Q/DQ pairs around activations and weights, from onnxruntime's own quantiser. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageBatches } from '../../src/data/preprocessing/batches.ts';
import type { ImageSize } from '../../src/data/preprocessing/decode.ts';
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { collect } from '../builders/collected.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';
import { modelFile } from './models.ts';
import { smallClassifier } from './small-classifier.ts';

export type QatKind = 'int8' | 'uint8';
export type QatModel = {
  readonly path: string;
  /** The float graph without the pairs, computed by the peer. */
  readonly clean: string;
  /** Tensor → 127 × scale, as read by the peer. */
  readonly ranges: Readonly<Record<string, number>>;
};

type Float = { readonly model: Uint8Array; readonly size: ImageSize };

let made: Promise<Readonly<Record<QatKind, QatModel>>> | undefined;

/** The real text classifier, which has all structures that make pairs hard to remove. Made once per process. */
export const qatModel = async (kind: QatKind): Promise<QatModel> => {
  const size = { channels: 3, height: 48, width: 192 } as const;
  made ??= make(['int8', 'uint8'], { model: readFileSync(modelFile('classifier')), size });
  return (await made)[kind];
};

/** The small classifier, which runs fast. */
export const smallQatModel = async (kind: QatKind): Promise<QatModel> => {
  const size = { channels: 3, height: 32, width: 32 } as const;
  return (await make([kind], { model: await smallClassifier(), size }))[kind];
};

const make = async <Kind extends QatKind>(
  kinds: readonly Kind[],
  { model, size }: Float,
): Promise<Readonly<Record<Kind, QatModel>>> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-qat-'));
  const float = join(folder, 'float.onnx');
  writeFileSync(float, model);
  const tensors = await tensorsIn(folder, size);
  const args = [float, folder, 'input_1', kinds.join(), ...tensors];
  const ranges = (await runPeer('quantise_qdq.py', args)) as Record<Kind, QatModel['ranges']>;
  const models = kinds.map((kind): [Kind, QatModel] => [
    kind,
    {
      path: join(folder, `${kind}.onnx`),
      clean: join(folder, `${kind}-clean.onnx`),
      ranges: ranges[kind],
    },
  ]);
  return Object.fromEntries(models) as Record<Kind, QatModel>;
};

/** Photos in the network's input format, as files. */
const tensorsIn = async (folder: string, size: ImageSize): Promise<readonly string[]> => {
  const { chosen } = await sampleImages(await photosFolder(), { batches: 2, batchSize: 4, seed: 5 });
  const preprocessing = preprocessingOf('classification', 3);
  const batches = await collect(imageBatches(chosen, { size, preprocessing, batchSize: 4 }));
  return batches.map(({ data, dims }, i) => {
    const path = join(folder, `${i}.pb`);
    writeFileSync(path, serializeTensor(tensorFromFloats('input_1', dims, data)));
    return path;
  });
};
