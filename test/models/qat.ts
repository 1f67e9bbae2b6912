/** Classifiers with Q/DQ pairs around its activations and weights, by onnxruntime's own quantiser. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { imageBatches } from '../../src/preprocessing/batches.ts';
import type { ImageSize } from '../../src/preprocessing/decode.ts';
import { sampleImages } from '../../src/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/preprocessing/normalise.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';
import { modelFile } from './models.ts';
import { smallClassifier } from './small-classifier.ts';

export type QatKind = 'int8' | 'uint8';
export type QatModel = {
  readonly path: string;
  /** The float graph beneath it, taken out by the peer. */
  readonly clean: string;
  /** Tensor → 127 × scale, read by the peer. */
  readonly ranges: Readonly<Record<string, number>>;
};

type Float = { readonly model: Uint8Array; readonly size: ImageSize };

const made = new Map<QatKind, Promise<QatModel>>();

/** Of the real text classifier, with all that makes graphs hard to peel; once for each kind in a process. */
export const qatModel = (kind: QatKind): Promise<QatModel> => {
  const size = { channels: 3, height: 48, width: 192 } as const;
  const found = made.get(kind) ?? make(kind, { model: readFileSync(modelFile('classifier')), size });
  made.set(kind, found);
  return found;
};

/** Of the small classifier, which costs next to nothing to run. */
export const smallQatModel = async (kind: QatKind): Promise<QatModel> =>
  make(kind, { model: await smallClassifier(), size: { channels: 3, height: 32, width: 32 } });

const make = async (kind: QatKind, { model, size }: Float): Promise<QatModel> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-qat-'));
  const [path, clean] = [join(folder, 'qat.onnx'), join(folder, 'clean.onnx')];
  const tensors: string[] = [];
  const { chosen } = await sampleImages(await photosFolder(), { batches: 2, batchSize: 4, seed: 5 });
  const preprocessing = preprocessingOf('classification', 3);
  for await (const { data, dims } of imageBatches(chosen, { size, preprocessing, batchSize: 4 })) {
    tensors.push(join(folder, `${tensors.length}.pb`));
    writeFileSync(tensors.at(-1)!, serializeTensor(tensorFromFloats('input_1', dims, data)));
  }
  const float = join(folder, 'float.onnx');
  writeFileSync(float, model);
  const args = [float, path, clean, 'input_1', kind, ...tensors];
  return { path, clean, ranges: (await runPeer('quantise_qdq.py', args)) as QatModel['ranges'] };
};
