/** Our graphs beside the graphs that they come from, all run by Python in one start. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { runPeer } from './venv.ts';

export type ModelPair = {
  readonly reference: ModelProto;
  readonly model: ModelProto;
  /** Files of TensorProto; random numbers where left out. */
  readonly inputs?: readonly string[];
};

export type Compared = {
  /** What ran the reference: onnx's evaluator where onnxruntime lacks something. */
  readonly by?: 'onnxruntime' | 'onnx';
  /** Agreement of each output in dB, 999 for equal; null for equal outputs that are no floats, below 0 for others. */
  readonly sqnr?: readonly (number | null)[];
  /** Why one of the two did not run. */
  readonly error?: string;
};

export const comparedModels = async (pairs: readonly ModelPair[]): Promise<readonly Compared[]> => {
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
