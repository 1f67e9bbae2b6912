/** Our graphs beside the graphs that they come from, all run by Python in one start. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { runPeer } from './venv.ts';

export type ModelPair = {
  readonly reference: ModelProto | Uint8Array;
  readonly model: ModelProto | Uint8Array;
};

/** Agreement of each output in dB, 999 for equal; null for equal outputs that are no floats. Or why nothing ran. */
export type Compared = { readonly sqnr?: readonly (number | null)[]; readonly error?: string };

export const comparedModels = async (pairs: readonly ModelPair[]): Promise<readonly Compared[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-compared-'));
  const written = (name: string, model: ModelProto | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, model instanceof Uint8Array ? model : serializeModel(model));
    return path;
  };
  const files = pairs.map(({ reference, model }, i) => ({
    reference: written(`${i}.reference.onnx`, reference),
    model: written(`${i}.onnx`, model),
  }));
  const list = join(folder, 'pairs.json');
  writeFileSync(list, JSON.stringify(files));
  return (await runPeer('compare_models.py', [list])) as readonly Compared[];
};
