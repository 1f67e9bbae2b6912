/** onnx's own test cases of single operators that compute with float32: about 1,400 of 170 operators. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { cached, digestOf } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import { peerPython } from './venv.ts';

const script = 'write_node_cases.py';

export type NodeCase = {
  readonly name: string;
  readonly model: ModelProto;
  /** Files of TensorProto. */
  readonly inputs: readonly string[];
};

/** Made once: they depend on the script and its packages alone. */
const nodeCasesFolder = (): Promise<string> =>
  cached(`node-cases-${digestOf(import.meta.dirname, [script, 'requirements.txt'])}`, async (path) => {
    mkdirSync(path);
    await run(await peerPython(), [join(import.meta.dirname, script), path]);
  });

export const nodeCases = async (): Promise<readonly NodeCase[]> => {
  const folder = await nodeCasesFolder();
  const at = (name: string) => join(folder, name);
  const written = JSON.parse(readFileSync(at('cases.json'), 'utf8')) as {
    readonly name: string;
    readonly reference: string;
    readonly inputs: readonly string[];
  }[];
  return written.map(({ name, reference, inputs }) => ({
    name,
    model: parseModel(readFileSync(at(reference))),
    inputs: inputs.map(at),
  }));
};
