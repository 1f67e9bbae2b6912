/** Exports a network with `tlt-export`, and reads its outputs. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { smallPhotosFolder } from '../photos/photos.ts';
import { input, output, side } from './networks.ts';
import { aFolder, runTool, type ToolRun } from './tool.ts';

const key = 'correct horse battery staple';

export type Export = ToolRun & {
  readonly folder: string;
  /** The model in the `.etlt`; undefined if there is none. */
  readonly payload: ModelProto | undefined;
  /** The scales of the cache; undefined if there is none. */
  readonly scales: ReadonlyMap<string, number> | undefined;
};

/** Calibrates with eight photos and MinMax, the fastest algorithm; the other photos are held out. */
export const asInt8 = async (): Promise<readonly string[]> => [
  ...['--data_type', 'int8', '--cal_image_dir', await smallPhotosFolder()],
  ...['--batches', '2', '--batch_size', '4', '--cal_algorithm', 'MinMax'],
];

export const exportNetwork = async (model: ModelProto, ...args: readonly string[]): Promise<Export> => {
  const folder = aFolder(key);
  const at = (name: string) => join(folder, name);
  writeFileSync(at('model.onnx'), serializeModel(model));
  const ran = await runTool(
    'tlt-export',
    ['classification', '-m', 'model.onnx', '--key_file', 'key.txt', '-o', 'model.etlt', ...args],
    { cwd: folder },
  );
  const etlt = existsSync(at('model.etlt')) ? readFileSync(at('model.etlt')) : undefined;
  return {
    ...ran,
    folder,
    payload: etlt && parseModel((await decryptModel(etlt, key)).payload),
    scales: existsSync(at('cal.bin'))
      ? parseCalibrationCache(readFileSync(at('cal.bin'), 'utf8')).scales
      : undefined,
  };
};

/** Class probabilities of four noise images, in one list. */
export const classesOf = async (model: ModelProto): Promise<Float32Array> => {
  const session = await openSession(serializeModel(model), { optimisation: 'disabled' });
  const data = Float32Array.from({ length: 4 * 3 * side * side }, (_, i) => ((i * 7919) % 251) - 110);
  const found = await session.run({ [input]: { data, dims: [4, 3, side, side] } });
  await session.release();
  return found[output]!.data;
};

/** Signal-to-noise ratio in decibel. */
export const decibels = (reference: Float32Array, other: Float32Array): number => {
  let [signal, noise] = [0, 0];
  for (const [i, value] of reference.entries()) {
    signal += value ** 2;
    noise += (value - other[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
};
