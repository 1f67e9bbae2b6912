import { mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { parseModel, serializeModel, writeModelFile } from '../../src/formats/onnx/model.ts';
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { runProcess, runTool, type ToolRun } from '../builders/tool.ts';
import { quickWorkFactor } from '../builders/tool-context.ts';
import { realModel, smallModel } from '../formats/onnx/models.ts';
import { detectorFile } from '../models/models.ts';

const key = 'tlt_encode';

const run = (args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<ToolRun> =>
  runTool('tlt-model', args, { cwd, env });

const classifier = realModel('ch_ppocr_mobile_v2.0_cls_infer.onnx');
const cache = 'TRT-8601-EntropyCalibration2\ninput_1: 3c010204\n10: 3f800000\nconv:0: 40000000\n';

const folderWith = (files: Record<string, Uint8Array | string> = {}): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-model-'));
  for (const [name, content] of Object.entries({ 'key.txt': `${key}\n`, ...files }))
    writeFileSync(join(folder, name), content);
  return folder;
};

const fails = (t: ExecutionContext, { code, stderr }: ToolRun, reason: FailureReason, says: string): void => {
  t.is(code, failures[reason].exitCode, stderr);
  t.regex(stderr, /^tlt-model: /);
  t.true(stderr.includes(says), stderr);
  t.false(stderr.includes(key), 'the key must not be in the message');
  t.false(stderr.includes('    at '), 'users must not see a stack trace');
};

for (const name of ['model.tlt', 'model.etlt'])
  test(`a model packed as ${name} unpacks to the same bytes`, async (t) => {
    const folder = folderWith({ 'model.onnx': classifier });
    t.is((await run(['pack', 'model.onnx', '-o', name, '--key_file', 'key.txt'], folder)).code, 0);
    const unpacked = await run(['unpack', name, '-o', 'back.onnx', '-k', key], folder);
    t.is(unpacked.code, 0, unpacked.stderr);
    t.true(readFileSync(join(folder, 'back.onnx')).equals(classifier));
    t.deepEqual(readdirSync(folder).sort(), ['back.onnx', 'key.txt', 'model.onnx', name].sort());
  });

test('pack and unpack name their outputs after their inputs', async (t) => {
  const cwd = folderWith({ 'm.onnx': serializeModel(smallModel()) });
  const env = { TLT_KEY_FILE: 'key.txt' };
  t.is((await runProcess('tlt-model', ['pack', 'm.onnx'], { cwd, env })).code, 0);
  const { stdout } = await run(['inspect', '--json', 'm.tlt'], cwd);
  t.is(JSON.parse(stdout).container.workFactor, 16);
  fails(t, await runProcess('tlt-model', ['unpack', 'm.tlt'], { cwd, env }), 'OutputExists', 'm.onnx');
});
test('pack embeds external data', async (t) => {
  const folder = folderWith();
  await writeModelFile(join(folder, 'm.onnx'), smallModel(), { externalDataThreshold: 100 });
  t.is((await run(['pack', 'm.onnx', '-k', key], folder)).code, 0);
  t.is((await run(['unpack', 'm.tlt', '-o', 'whole.onnx', '-k', key], folder)).code, 0);
  t.deepEqual(parseModel(readFileSync(join(folder, 'whole.onnx'))), parseModel(serializeModel(smallModel())));
});
test('a Keras model unpacks as .hdf5', async (t) => {
  const keras = Buffer.from('\x89HDF\r\n\x1a\n and so on', 'latin1');
  const folder = folderWith({ 'keras.hdf5': keras });
  t.is((await run(['pack', 'keras.hdf5', '-o', 'm.tlt', '-k', key], folder)).code, 0);
  t.is((await run(['unpack', 'm.tlt', '-k', key], folder)).code, 0);
  t.true(readFileSync(join(folder, 'm.hdf5')).equals(keras));
});

test('inspect --json describes a model', async (t) => {
  const folder = folderWith({ 'm.onnx': serializeModel(smallModel()) });
  const { stdout } = await run(['inspect', '--json', 'm.onnx'], folder);
  const report = JSON.parse(stdout);
  t.is(report.format, 'onnx');
  t.regex(report.sha256, /^[0-9a-f]{64}$/);
  t.like(report.model, {
    inputs: [{ name: 'input_1', type: 'float32', shape: ['N', 3, 8, 8] }],
    outputs: [{ name: 'flat', type: 'float32', shape: ['N', 72] }],
    opset: 13,
    producer: 'tlt-export-operator',
    parameters: 56,
    nodes: 4,
    operators: { Constant: 1, Conv: 1, Relu: 1, Reshape: 1 },
    qat: false,
    externalData: false,
  });
});
test('inspect lists TensorRT plugin nodes', async (t) => {
  const { stdout } = await run(['inspect', detectorFile('faster_rcnn')], folderWith());
  t.regex(stdout, /TensorRT plugins +ProposalDynamic, CropAndResizeDynamic, NMSDynamic_TRT\n/);
});
test('inspect describes the container of an encrypted model, and with the key the model', async (t) => {
  const folder = folderWith({ 'model.onnx': classifier });
  await run(['pack', 'model.onnx', '-o', 'm.etlt', '-k', key], folder);
  const locked = JSON.parse((await run(['inspect', '--json', 'm.etlt'], folder)).stdout);
  t.like(locked, {
    format: 'etlt',
    container: { inputName: '', workFactor: quickWorkFactor, payloadBytes: classifier.length },
  });
  t.is(locked.model, undefined);
  t.regex(locked.note, /--key_file/);
  const open = JSON.parse(
    (await run(['inspect', '--json', 'm.etlt', '--key_file', 'key.txt'], folder)).stdout,
  );
  t.like(open, {
    payload: { format: 'onnx', sizeBytes: classifier.length },
    model: { opset: 9, parameters: 133_664 },
  });
});
test('inspect lists the tensors of a calibration cache in file order', async (t) => {
  const { stdout } = await run(['inspect', '--json', 'cal.bin'], folderWith({ 'cal.bin': cache }));
  const { calibrationCache } = JSON.parse(stdout);
  t.like(calibrationCache, { version: 8601, algorithm: 'EntropyCalibration2' });
  t.deepEqual(
    calibrationCache.tensors.map(({ name }: { name: string }) => name),
    ['input_1', '10', 'conv:0'],
  );
  t.is(calibrationCache.tensors[2].range, 254);
});
test('inspect lists the tensors of a cache whose scales cannot be used', async (t) => {
  const text = 'TRT-7103-EntropyCalibration2\ninput_1: 3f800000\nconv: 7f800000\n';
  const folder = folderWith({ 'cal.bin': text });
  const { calibrationCache } = JSON.parse((await run(['inspect', '--json', 'cal.bin'], folder)).stdout);
  t.deepEqual(calibrationCache.tensors, [{ name: 'input_1', scale: 1, range: 127 }]);
  t.deepEqual(calibrationCache.unusable, [{ name: 'conv', scale: 'Infinity' }]);
  const { stdout, code } = await run(['inspect', 'cal.bin'], folder);
  t.is(code, 0);
  t.regex(stdout, /unusable +1 more, whose scales no engine can use[\s\S]*conv {2}scale Infinity/);
});
test('inspect describes a tensorfile written by h5py', async (t) => {
  const { stdout } = await run(
    ['inspect', '--json', join(import.meta.dirname, 'tensorfile.h5')],
    folderWith(),
  );
  const expected = {
    kind: 'Tensorfile',
    count: 11,
    firstBatch: [{ name: '', type: 'float32', shape: [2, 3, 4, 6] }],
  };
  t.deepEqual(JSON.parse(stdout).hdf5, expected);
});
test('inspect prints text without --json', async (t) => {
  const folder = folderWith({ 'm.onnx': serializeModel(smallModel()), 'cal.bin': cache, engine: 'vtrt....' });
  const { stdout, code } = await run(['inspect', 'm.onnx', 'cal.bin', 'engine', 'key.txt'], folder);
  t.is(code, 0);
  for (const part of [
    'input_1  float32 [N, 3, 8, 8]',
    'conv:0  ±254',
    'TensorRT engine',
    'unknown format: not a model',
  ])
    t.true(stdout.includes(part), stdout);
});
test('inspect describes the data loader of an experiment spec', async (t) => {
  const specs = join(import.meta.dirname, '..', 'fixtures', 'specs');
  const [detectnet, ssd] = ['detectnet_v2-tlt3.txt', 'ssd-tlt3.txt'].map((name) => join(specs, name));
  const { stdout, code } = await run(['inspect', detectnet!, ssd!], folderWith());
  t.is(code, 0);
  for (const part of [
    'module        detectnet_v2, in the format of TLT 3.0 or later',
    'training      TFRecords records/day-*, images ./<frame/id>.jpg, drawn with weight 2',
    'validation    TFRecords records/val-*',
    'batches       2 images of 3×96×160 (channels, height, width)',
    'values        RGB, y = x / 255',
    'image folder  BGR, y = x − (103.9, 116.8, 123.7)',
    'training      images in train/image_2 that have a label in train/label_2',
  ])
    t.true(stdout.includes(part), part);
  const report = JSON.parse((await run(['inspect', '--json', ssd!], folderWith())).stdout);
  const plan = parseExperimentSpec(readFileSync(ssd!, 'utf8'), { file: ssd!, architecture: 'ssd' }).loader();
  t.deepEqual(report.spec.loader, JSON.parse(JSON.stringify(plan)));
});
test('inspect reports errors of a spec, and what its data loader lacks', async (t) => {
  const folder = folderWith({
    'typo.txt': 'train_config {\n  preprocess_mod: "caffe"\n}\n',
    'bare.txt': 'train_config { batch_size_per_gpu: 4 }\n',
  });
  const result = await run(['inspect', 'bare.txt', 'typo.txt'], folder);
  fails(t, result, 'SpecInvalid', 'typo.txt:2:3 train_config.preprocess_mod: ');
  t.regex(result.stdout, /module +classification/);
  t.regex(
    result.stdout,
    /the data loader cannot use this spec\. .*bare\.txt:1:\d+ train_config\.train_dataset_path: required field is missing/s,
  );
});
test('inspect continues after an invalid file, and fails at the end', async (t) => {
  const folder = folderWith({ 'cal.bin': cache, bad: 'TRT-8601-x\nnonsense\n' });
  const result = await run(['inspect', 'absent', 'bad', 'cal.bin'], folder);
  fails(t, result, 'CacheInvalid', 'bad: Reading the calibration cache, line 2');
  t.true(result.stderr.includes('absent'));
  t.true(result.stdout.includes('conv:0'));
});
test("inspect detects a file with NVIDIA's cipher", async (t) => {
  const noise = Uint8Array.from(
    { length: 4096 },
    (_, index) => (Math.imul(index + 7, 2654435761) >>> 16) & 255,
  );
  const { stdout } = await run(
    ['inspect', '--json', 'm.etlt'],
    folderWith({ 'm.etlt': Buffer.concat([Buffer.from([5, 0, 0, 0]), Buffer.from('Input'), noise]) }),
  );
  t.is(JSON.parse(stdout).format, 'foreign');
  t.regex(JSON.parse(stdout).note, /input node Input/);
});

test('a wrong key and a truncated file have different reasons', async (t) => {
  const folder = folderWith({ 'm.tlt': await encryptTlt(classifier, key, { workFactor: 4 }) });
  fails(t, await run(['unpack', 'm.tlt', '-o', 'x', '-k', 'wrong'], folder), 'WrongKey', 'm.tlt');
  truncateSync(join(folder, 'm.tlt'), 300_000);
  fails(t, await run(['unpack', 'm.tlt', '-o', 'x', '-k', key], folder), 'ModelInvalid', 'truncated');
  t.deepEqual(readdirSync(folder).sort(), ['key.txt', 'm.tlt']);
});

const refuses = test.macro(async (t, args: string[], reason: FailureReason, says: string) => {
  const folder = folderWith({
    'm.onnx': serializeModel(smallModel()),
    'cut.onnx': classifier.subarray(0, 9999),
    'm.keras': 'PK\x03\x04 … model.weights.h5 …',
  });
  const before = readdirSync(folder);
  fails(t, await run(args, folder), reason, says);
  t.deepEqual(readdirSync(folder), before, 'no file is left');
});
test('no command', refuses, [], 'Usage', '--help');
test('an unknown command', refuses, ['open'], 'Usage', "'open'");
test('an unknown flag', refuses, ['pack', 'm.onnx', '--kee', 'x'], 'Usage', '--kee');
test('two models', refuses, ['pack', 'm.onnx', 'm.onnx', '-k', 'x'], 'Usage', 'expected one MODEL, got 2');
test('no key', refuses, ['pack', 'm.onnx'], 'KeyMissing', '--key_file');
test('an absent key file', refuses, ['pack', 'm.onnx', '--key_file', 'absent'], 'InputNotFound', 'absent');
test('two keys', refuses, ['pack', 'm.onnx', '--key_file', 'key.txt', '-k', 'x'], 'Usage', 'both');
test('a folder', refuses, ['inspect', '.'], 'InputNotFound', 'Reading .: ');
test('an absent model', refuses, ['pack', 'absent.onnx', '-k', 'x'], 'InputNotFound', 'absent.onnx');
test('a truncated model', refuses, ['pack', 'cut.onnx', '-k', 'x'], 'ModelInvalid', 'cut.onnx');
test('a text file', refuses, ['pack', 'key.txt', '-k', 'x'], 'ModelInvalid', 'key.txt');
test(
  'a .keras zip',
  refuses,
  ['pack', 'm.keras', '-k', 'x'],
  'ModelInvalid',
  "with model.save('model.hdf5')",
);
test(
  'an output with another extension',
  refuses,
  ['pack', 'm.onnx', '-o', 'm.enc', '-k', 'x'],
  'Usage',
  '.etlt',
);
test(
  'an output folder that does not exist',
  refuses,
  ['pack', 'm.onnx', '-o', 'no/m.tlt', '-k', 'x'],
  'OutputUnwritable',
  'no/m.tlt',
);
test(
  'a model that is not encrypted',
  refuses,
  ['unpack', 'm.onnx', '-o', 'x.onnx', '-k', 'x'],
  'ModelInvalid',
  'not encrypted',
);
test('inspect without files', refuses, ['inspect'], 'Usage', 'at least one');

for (const args of [['--help'], ['pack', '-h'], ['unpack', '--help'], ['inspect', '--help']])
  test(`tlt-model ${args.join(' ')} prints examples`, async (t) => {
    const { code, stdout, stderr } = await run(args, folderWith());
    t.is(code, 0);
    t.is(stderr, '');
    t.regex(stdout, /Examples:\n( {2}(TLT_KEY_FILE=\S+ )?tlt-model .*[^\\]\n)+$/);
  });
