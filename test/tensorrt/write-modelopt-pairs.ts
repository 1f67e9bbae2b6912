/**
 * Writes fixtures/tensorrt/modelopt-pairs.json: the tensors to which NVIDIA's Model Optimizer gives Q/DQ pairs, by module. PYTHON names a
 * Python with nvidia-modelopt[onnx] 0.47.0.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { architectureNames } from '../../src/ground/contract/architectures.ts';
import { openSubject } from '../builders/subjects.ts';
import { run } from '../cluster/run.ts';

const { PYTHON = 'python3' } = process.env;
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'modelopt-'));
const pairs: Record<string, readonly string[]> = {};
for (const module of architectureNames) {
  const path = join(folder, `${module}.onnx`);
  writeFileSync(path, serializeModel((await openSubject(module)).model));
  const output = await run(PYTHON, [join(root, 'peers/modelopt_pairs.py'), path]);
  pairs[module] = JSON.parse(output.trim().split('\n').at(-1)!);
}
writeFileSync(join(root, 'fixtures/tensorrt/modelopt-pairs.json'), `${JSON.stringify(pairs, null, 2)}\n`);
rmSync(folder, { recursive: true });
