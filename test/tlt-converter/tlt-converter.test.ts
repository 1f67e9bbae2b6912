/** `tlt-converter`: NVIDIA's flags, real engines of ONNX Runtime and TensorRT for RTX, and the classic module's stand-in. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseCommandLine } from '../../src/adapters/cli/command-line.ts';
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import { converterProgram } from '../../src/ground/contract/converter-program.ts';
import { aCodec, standInCommand } from '../builders/codec.ts';
import { encryptEtlt } from '../builders/encrypted.ts';
import { aFolder, type RunOptions, runProcess, runTool, type ToolRun } from '../builders/tool.ts';
import { modelFile, scenesFolder } from '../models/models.ts';
import { peerPython } from '../peers/venv.ts';
import { gpus, writeStandInPython } from '../tensorrt/stand-in.ts';

/** A folder with an exported classifier, its cache, and the engine that tlt-export built of it for the stand-in of 8.6.1. */
const exported = (async () => {
  const cwd = aFolder();
  const model = ['-m', modelFile('classifier'), '--key_file', 'key.txt', '-o', 'm.etlt'];
  const images = ['--cal_image_dir', scenesFolder, '--batches', '1', '--batch_size', '4'];
  const int8 = ['--data_type', 'int8', ...images, '--cal_cache_file', 'cal.bin', '--cal_algorithm', 'MinMax'];
  const python = await writeStandInPython(cwd, { version: '8.6.1' });
  const engine = ['--engine_file', 'm.engine', '--engine_backend', 'TensorRt', '--python', python];
  const made = await runTool('tlt-export', ['classification', ...model, ...int8, ...engine], { cwd });
  if (made.code !== 0) throw new Error(made.stderr);
  return cwd;
})();

/** A new folder with the key, the exported model and the cache. */
const aWorkplace = async (): Promise<string> => {
  const cwd = aFolder();
  for (const file of ['m.etlt', 'cal.bin']) copyFileSync(join(await exported, file), join(cwd, file));
  return cwd;
};

const convert = async (
  args: readonly string[],
  options: RunOptions = {},
): Promise<ToolRun & { readonly cwd: string }> => {
  const cwd = options.cwd ?? (await aWorkplace());
  const ran = await runTool('tlt-converter', args, { ...options, cwd });
  return { ...ran, cwd };
};

const onCpu = ['--backend', 'OnnxRuntime', '--key_file', 'key.txt', 'm.etlt'];

test("NVIDIA's flags are accepted, with NVIDIA's defaults", (t) => {
  const parse = (...argv: string[]) => {
    const line = parseCommandLine(converterProgram, argv);
    if (line.help !== undefined) throw new Error('help');
    return line.values;
  };
  t.like(parse('m.etlt'), {
    engine_file: './saved.engine',
    data_type: 'fp32',
    cal_cache_file: './cal.bin',
    batch_size: 8,
    max_batch_size: 16,
    max_workspace_size: 1073741824,
    input_order: 'nchw',
    strict_type_constraints: false,
  });
  const words =
    '-k key -d 3,544,960 -o a,b -e e.engine -t int8 -c c.bin -b 4 -m 8 -w 1000 -i nhwc -p x,1x1,2x2,3x3 -p y,1x1,2x2,3x3 -s -u 1';
  t.like(parse(...words.split(' '), 'm.etlt'), {
    key: 'key',
    input_dims: '3,544,960',
    output_nodes: 'a,b',
    engine_file: 'e.engine',
    data_type: 'int8',
    cal_cache_file: 'c.bin',
    batch_size: 4,
    max_batch_size: 8,
    max_workspace_size: 1000,
    input_order: 'nhwc',
    profile: ['x,1x1,2x2,3x3', 'y,1x1,2x2,3x3'],
    strict_type_constraints: true,
    dla_core: 1,
  });
});

test('the builder makes the engine of tlt-export --engine_file, byte for byte, with a key in a file that a variable names', async (t) => {
  const cwd = await aWorkplace();
  const python = await writeStandInPython(cwd, { version: '8.6.1' });
  const args = ['-t', 'int8', '-c', 'cal.bin', '-e', 'm.engine', '--python', python, 'm.etlt'];
  const env = { TLT_KEY_FILE: join(cwd, 'key.txt') };
  const { code, stderr } = await runProcess('tlt-converter', args, { cwd, env });
  t.is(code, 0, stderr);
  t.regex(stderr, /Engine for TensorRT 8\.6\.1 was saved into m\.engine/);
  t.true(readFileSync(join(cwd, 'm.engine')).equals(readFileSync(join(await exported, 'm.engine'))));
});

test('a plain ONNX model needs no key, and -o chooses outputs', async (t) => {
  const cwd = aFolder();
  const args = ['-o', 'output_cov/Sigmoid', '--backend', 'OnnxRuntime', modelFile('detectnet_v2')];
  const { code, stderr } = await convert(args, { cwd });
  t.is(code, 0, stderr);
  const { stdout } = await runTool('tlt-model', ['inspect', '--json', 'saved.engine'], { cwd });
  const { model } = JSON.parse(stdout) as { readonly model: { readonly outputs: readonly object[] } };
  t.deepEqual(
    model.outputs.map((output) => (output as { readonly name: string }).name),
    ['output_cov/Sigmoid'],
  );
});

test('an .etlt of an external codec is converted', async (t) => {
  const cwd = aFolder();
  const cipher = aCodec(standInCommand);
  const payload = readFileSync(modelFile('classifier'));
  writeFileSync(join(cwd, 'n.etlt'), await encryptEtlt(payload, 'tlt_encode', { cipher }));
  const codec = ['--codec_command', JSON.stringify(standInCommand)];
  const { code, stderr } = await convert(
    ['-k', 'tlt_encode', ...codec, '--backend', 'OnnxRuntime', 'n.etlt'],
    {
      cwd,
    },
  );
  t.is(code, 0, stderr);
  t.true(existsSync(join(cwd, 'saved.engine')));
});

const rtx = async () => ['--backend', 'TensorRtRtx', '--python', await peerPython(), '--key_file', 'key.txt'];

test('TensorRT for RTX builds int8 and fp16 engines without a GPU, with a profile of its own', async (t) => {
  const int8 = ['-t', 'int8', '--compute_capability', '8.6', '-e', 'int8.engine', '-m', '4'];
  const { code, stderr, cwd } = await convert([...(await rtx()), ...int8, 'm.etlt']);
  t.is(code, 0, stderr);
  t.regex(stderr, /Engine for TensorRT-RTX 1\.7\.1\.116 was saved/);
  const profile = ['-p', 'input_1,1x3x48x192,2x3x48x192,4x3x48x192'];
  const fp16 = ['-t', 'fp16', '--compute_capability', '12.0', '-e', 'fp16.engine', ...profile];
  const half = await convert([...(await rtx()), ...fp16, 'm.etlt'], { cwd });
  t.is(half.code, 0, half.stderr);
  for (const name of ['int8.engine', 'fp16.engine']) {
    const { length } = readFileSync(join(cwd, name));
    t.log(`${name}: ${length} bytes`);
    t.true(length > 1_000_000);
  }
});

const engineIn = (cwd: string) =>
  JSON.parse(readFileSync(join(cwd, 'saved.engine'), 'utf8')) as {
    readonly flags: readonly string[];
    readonly profile: unknown;
  };

test('classic TensorRT: strict types', async (t) => {
  const cwd = await aWorkplace();
  const python = await writeStandInPython(cwd, { version: '8.6.1' });
  const args = ['-t', 'int8', '-s', '--python', python, '--key_file', 'key.txt', 'm.etlt'];
  const { code, stderr } = await convert(args, { cwd });
  t.is(code, 0, stderr);
  t.deepEqual(engineIn(cwd).flags, ['INT8', 'OBEY_PRECISION_CONSTRAINTS']);
});

test('classic TensorRT: -u builds for the accelerator of a Jetson', async (t) => {
  const cwd = await aWorkplace();
  const python = await writeStandInPython(cwd, { version: '8.6.1', gpu: gpus.orin });
  const args = ['-t', 'fp16', '-u', '1', '-m', '2', '--python', python, '--key_file', 'key.txt', 'm.etlt'];
  const { code, stderr } = await convert(args, { cwd });
  t.is(code, 0, stderr);
  t.deepEqual(engineIn(cwd).flags, ['FP16', 'GPU_FALLBACK']);
});

const refuses = (
  title: string,
  args: readonly string[],
  [reason, says]: readonly [FailureReason, RegExp],
  prepare: (cwd: string) => void = () => {},
) =>
  test(`refused: ${title}`, async (t: ExecutionContext) => {
    const cwd = await aWorkplace();
    prepare(cwd);
    const before = existsSync(join(cwd, 'saved.engine'));
    const { code, stderr } = await convert(args, { cwd });
    t.is(code, failures[reason].exitCode, stderr);
    t.regex(stderr, says);
    t.is(existsSync(join(cwd, 'saved.engine')), before, 'nothing is written');
  });

refuses('another layout than nchw', ['-i', 'nhwc', ...onCpu], ['Usage', /--input_order is 'nhwc'/]);
refuses('an accelerator of a CPU', ['-u', '0', ...onCpu], ['Usage', /--dla_core is a setting of TensorRT/]);
refuses(
  'a compute capability of a CPU',
  ['--compute_capability', '8.6', ...onCpu],
  ['Usage', /--compute_capability is a setting of TensorRT/],
);
refuses(
  'a profile of another form',
  ['-p', 'input_1,1x3,8x3', ...onCpu],
  ['Usage', /-p is .* must be NAME,/],
);
refuses(
  'two profiles',
  ['-p', 'a,1x3x4x4,1x3x4x4,1x3x4x4', '-p', 'b,1x3x4x4,1x3x4x4,1x3x4x4', ...onCpu],
  ['Usage', /-p is given 2 times/],
);
refuses(
  'a profile of another input',
  ['-p', 'data,1x3x48x192,2x3x48x192,4x3x48x192', ...onCpu],
  ['Usage', /-p names the input data, and that of the model is input_1/],
);
refuses(
  'a profile of other images',
  ['-p', 'input_1,1x3x64x64,2x3x64x64,4x3x64x64', ...onCpu],
  ['Usage', /shapes other than Nx3x48x192/],
);
refuses(
  'dims that the graph contradicts',
  ['-d', '3,64,64', ...onCpu],
  ['ModelUnsupported', /--input_dims 3,64,64 contradicts/],
);
refuses(
  'an output that the graph lacks',
  ['-o', 'output_cov/Sigmoid', ...onCpu],
  ['ModelUnsupported', /no output output_cov\/Sigmoid; its outputs are predictions\/Softmax/],
);
refuses(
  'an encrypted model without a key',
  ['--backend', 'OnnxRuntime', 'm.etlt'],
  ['KeyMissing', /--key_file/],
);
refuses('a wrong key', ['-k', 'other', '--backend', 'OnnxRuntime', 'm.etlt'], ['WrongKey', /key/]);
refuses(
  'int8 without a cache',
  ['-t', 'int8', '-c', 'none.bin', ...onCpu],
  ['InputNotFound', /none\.bin: the file does not exist/],
);
refuses(
  'a cache of another model',
  ['-t', 'int8', '-c', 'other.bin', ...onCpu],
  ['CacheInvalid', /other\.bin: it has no scale for \d+ tensors of this model/],
  (cwd) => writeFileSync(join(cwd, 'other.bin'), 'TRT-8601-EntropyCalibration2\ninput_1: 3c010204\n'),
);
refuses('an existing engine', onCpu, ['OutputExists', /saved\.engine: the file already exists/], (cwd) =>
  writeFileSync(join(cwd, 'saved.engine'), 'mine'),
);
refuses(
  'a Python without TensorRT',
  ['--key_file', 'key.txt', 'm.etlt'],
  ['EngineBuildFailed', /version of tensorrt: ModuleNotFoundError.*--python/],
);
refuses(
  'TensorRT for RTX without a target',
  ['--backend', 'TensorRtRtx', '--tensorrt_version', '1.7', '--key_file', 'key.txt', 'm.etlt'],
  ['EngineUnsupported', /set --compute_capability, for example 8\.6/],
);
refuses(
  'trained scales on an accelerator',
  [
    '-t',
    'int8',
    '-u',
    '0',
    '--trained_scales',
    '--tensorrt_version',
    '8.6',
    '--key_file',
    'key.txt',
    'm.etlt',
  ],
  ['EngineUnsupported', /a DLA needs a scale for every tensor/],
);
refuses(
  'a deployment of an unknown module',
  ['--deployment', ...onCpu],
  ['Usage', /--deployment needs the module of the model\. Add --architecture/],
);
refuses(
  'a key in a configuration without a codec',
  ['--key_in_config', ...onCpu],
  ['Usage', /--key_in_config/],
);
