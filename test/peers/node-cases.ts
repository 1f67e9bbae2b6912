/** onnx's own test cases of single operators that compute with float32: about 1,400 of 170 operators. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { runPeer } from './venv.ts';

export type NodeCase = {
  readonly name: string;
  readonly model: ModelProto;
  /** Files of TensorProto. */
  readonly inputs: readonly string[];
};

export const nodeCases = async (): Promise<readonly NodeCase[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-node-cases-'));
  const written = (await runPeer('write_node_cases.py', [folder])) as {
    readonly name: string;
    readonly reference: string;
    readonly inputs: readonly string[];
  }[];
  return written.map(({ name, reference, inputs }) => ({
    name,
    model: parseModel(readFileSync(reference)),
    inputs,
  }));
};
