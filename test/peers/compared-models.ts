/** Compares our graphs with the original graphs by running them in one Python process. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { runPeer } from './venv.ts';

export type ModelPair = {
  readonly reference: ModelProto;
  readonly model: ModelProto;
  /** Files of TensorProto. Default: random numbers. */
  readonly inputs?: readonly string[];
};

export type Compared = {
  /** The runtime of the reference: onnx's evaluator if onnxruntime does not support an operator. */
  readonly by?: 'onnxruntime' | 'onnx';
  /** Agreement of each output in dB; 999 if equal. For outputs other than floats: null if equal, otherwise negative. */
  readonly sqnr?: readonly (number | null)[];
  /** Why one of the two graphs did not run. */
  readonly error?: string;
};

export const compareModels = async (pairs: readonly ModelPair[]): Promise<readonly Compared[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-compared-'));
  const written = (name: string, model: ModelProto): string => {
    const path = join(folder, name);
    writeFileSync(path, serializeModel(model));
    return path;
  };
  const files = pairs.map(({ reference, model, inputs = [] }, i) => ({
    reference: written(`${i}.reference.onnx`, reference),
    model: written(`${i}.onnx`, model),
    inputs,
  }));
  const list = join(folder, 'pairs.json');
  writeFileSync(list, JSON.stringify(files));
  return (await runPeer('compare_models.py', [list])) as readonly Compared[];
};
