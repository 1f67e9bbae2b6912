/** `tlt-export --engine_backend TensorRt`, with the stand-in of classic TensorRT and a GPU that is one in name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { failures } from '../../src/ground/base/failures.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { modelFile, scenesFolder } from '../models/models.ts';
import type { BindingVersion } from '../tensorrt/bindings.ts';
import { type Gpu, writeStandInPython } from '../tensorrt/stand-in.ts';

const exported = async (version: BindingVersion, args: readonly string[], gpu?: Gpu | null) => {
  const cwd = aFolder();
  const python = await writeStandInPython(cwd, { version, ...(gpu !== undefined && { gpu }) });
  const flags = [
    '-m',
    modelFile('classifier'),
    '--key_file',
    'key.txt',
    '-o',
    'm.etlt',
    '--engine_file',
    'm.engine',
  ];
  const engine = ['--engine_backend', 'TensorRt', '--python', python, '--tensorrt_version', version];
  const ran = await runTool('tlt-export', ['classification', ...flags, ...engine, ...args], { cwd });
  return { ...ran, cwd };
};

const int8 = [
  '--data_type',
  'int8',
  '--cal_image_dir',
  scenesFolder,
  '--batches',
  '1',
  '--batch_size',
  '4',
  '--cal_algorithm',
  'MinMax',
];
const engineIn = (cwd: string) =>
  JSON.parse(readFileSync(join(cwd, 'm.engine'), 'utf8')) as {
    readonly flags: readonly string[];
    readonly layers: readonly { readonly precision: string }[];
  };

test('int8 for TensorRT 8.6: dynamic ranges, and fp16 unless types are strict', async (t) => {
  const loose = await exported('8.6.1', int8);
  t.is(loose.code, 0, loose.stderr);
  t.deepEqual(engineIn(loose.cwd).flags, ['FP16', 'INT8']);
  const strict = await exported('8.6.1', [...int8, '-s']);
  t.is(strict.code, 0, strict.stderr);
  t.deepEqual(engineIn(strict.cwd).flags, ['INT8', 'OBEY_PRECISION_CONSTRAINTS']);
  t.false(engineIn(strict.cwd).layers.some(({ precision }) => precision === 'HALF'));
});

test('fp16 for TensorRT 10.13, and a version of another family than the one that is installed', async (t) => {
  const built = await exported('10.13.3.9', ['--data_type', 'fp16']);
  t.is(built.code, 0, built.stderr);
  t.deepEqual(engineIn(built.cwd).flags, ['FP16']);
  const other = await exported('10.13.3.9', ['--data_type', 'fp16', '--tensorrt_version', '10.3.0']);
  t.is(other.code, failures.HardwareMismatch.exitCode, other.stderr);
  t.regex(other.stderr, /The image has tensorrt 10\.13\.3\.9, and .* expects 10\.3\.0/);
});

test('without a GPU nothing is written', async (t) => {
  const { code, stderr } = await exported('10.3.0', ['--data_type', 'fp16'], null);
  t.is(code, failures.HardwareMismatch.exitCode, stderr);
  t.regex(stderr, /no usable GPU/);
});

test('an unsupported version is refused before any work, by the name of its flag', async (t) => {
  const { code, stderr } = await exported('8.6.1', ['--tensorrt_version', '7.2.1']);
  t.is(code, failures.EngineUnsupported.exitCode, stderr);
  t.regex(
    stderr,
    /TensorRt 7\.2\.1 is not supported: set --tensorrt_version to one of TensorRT 8\.5, TensorRT 8\.6,/,
  );
});
