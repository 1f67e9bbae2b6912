/** The classifier with Q/DQ pairs around its activations and weights, by onnxruntime's own quantiser. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { imageBatches } from '../../src/preprocessing/batches.ts';
import { sampleImages } from '../../src/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/preprocessing/normalise.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';
import { modelFile } from './models.ts';

export type QatKind = 'int8' | 'uint8';
export type QatModel = {
  readonly path: string;
  /** The float graph beneath it, taken out by the peer. */
  readonly clean: string;
  /** Tensor → 127 × scale, read by the peer. */
  readonly ranges: Readonly<Record<string, number>>;
};

const made = new Map<QatKind, Promise<QatModel>>();

/** Once for each kind in a process. */
export const qatModel = (kind: QatKind): Promise<QatModel> => {
  const found = made.get(kind) ?? make(kind);
  made.set(kind, found);
  return found;
};

const make = async (kind: QatKind): Promise<QatModel> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-qat-'));
  const [path, clean] = [join(folder, 'qat.onnx'), join(folder, 'clean.onnx')];
  const tensors: string[] = [];
  const { chosen } = await sampleImages(await photosFolder(), { batches: 2, batchSize: 4, seed: 5 });
  const preprocessing = preprocessingOf('classification', 3);
  const size = { channels: 3, height: 48, width: 192 } as const;
  for await (const { data, dims } of imageBatches(chosen, { size, preprocessing, batchSize: 4 })) {
    tensors.push(join(folder, `${tensors.length}.pb`));
    writeFileSync(tensors.at(-1)!, serializeTensor(tensorFromFloats('input_1', dims, data)));
  }
  const args = [modelFile('classifier'), path, clean, 'input_1', kind, ...tensors];
  return { path, clean, ranges: (await runPeer('quantise_qdq.py', args)) as QatModel['ranges'] };
};
