/** `tlt-export` and `tlt-model` on the output of `tlt train`: Keras files, plain and encrypted. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { inspectFile } from '../../src/adapters/inspect/inspect.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { graphOf, isQat, outputsOf } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { aLayer, aNetwork, anInput, imported, kerasBytes, kerasPath, writeKeras } from '../keras/fixtures.ts';
import { peerPython } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';
let photos: string;
test.before(async () => {
  photos = await photosFolder();
});

const base = (name: string, ...args: string[]) => [
  'detectnet_v2',
  '-m',
  kerasPath(name),
  '--key_file',
  'key.txt',
  '-o',
  'm.etlt',
  ...args,
];
const int8 = () => ['--data_type', 'int8', '--cal_image_dir', photos, '--batches', '2', '--batch_size', '4'];
const cacheIn = (cwd: string) => parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8')).scales;

test('a Keras detector is exported to an .etlt, a calibration cache and engines of two backends', async (t) => {
  const cwd = aFolder(key);
  const args = base('detectnet_v2', ...int8(), '--engine_file', 'e.onnx');
  const { code, stderr } = await runTool('tlt-export', args, { cwd });
  t.is(code, 0, stderr);
  t.regex(stderr, /Input node: input_1$/m);
  t.regex(stderr, /Output node\(s\): \['output_bbox\/BiasAdd', 'output_cov\/Sigmoid'\]$/m);
  const { payload } = await decryptModel(readFileSync(join(cwd, 'm.etlt')), key);
  t.deepEqual(payload, serializeModel((await imported(kerasPath('detectnet_v2'))).model));
  const names = [...cacheIn(cwd).keys()];
  for (const name of ['input_1', 'block_0_relu_1/Relu', 'output_cov/Sigmoid'])
    t.true(names.includes(name), name);
  t.true(isQat(parseModel(readFileSync(join(cwd, 'e.onnx')))), 'the engine has int8 layers');

  const rtx = [
    '--engine_backend',
    'TensorRtRtx',
    '--compute_capability',
    '12.0',
    '--python',
    await peerPython(),
  ];
  const again = base('detectnet_v2', '-o', 'n.etlt', ...int8(), '--engine_file', 'e.plan', ...rtx);
  const second = await runTool('tlt-export', again, { cwd });
  t.is(second.code, 0, second.stderr);
  t.regex(second.stderr, /Calibration file exists/);
  t.true(readFileSync(join(cwd, 'e.plan')).length > 10_000);
});

test('a model with quantisation-aware training is exported with its own scales: range / 127', async (t) => {
  const cwd = aFolder(key);
  const args = base('detectnet_v2_qat', '--data_type', 'int8', '--cal_json_file', 'scales.json');
  const { code, stderr } = await runTool('tlt-export', args, { cwd });
  t.is(code, 0, stderr);
  const { ranges } = await imported(kerasPath('detectnet_v2_qat'));
  const expected = [...ranges].map(([name, range]) => [name, Math.fround(range / 127)] as const);
  t.deepEqual([...cacheIn(cwd)].sort(), expected.toSorted());
  const { tensor_scales } = JSON.parse(readFileSync(join(cwd, 'scales.json'), 'utf8'));
  t.deepEqual(tensor_scales, Object.fromEntries(ranges));
});

test('--force_ptq calibrates such a model', async (t) => {
  const cwd = aFolder(key);
  const { code, stderr } = await runTool('tlt-export', base('detectnet_v2_qat', '--force_ptq', ...int8()), {
    cwd,
  });
  t.is(code, 0, stderr);
  const { ranges } = await imported(kerasPath('detectnet_v2_qat'));
  t.not(cacheIn(cwd).get('input_1'), Math.fround(ranges.get('input_1')! / 127));
});

test('a .tlt opens to the same model as the plain file', async (t) => {
  const path = join(aFolder(key), 'model.tlt');
  writeFileSync(path, await encryptTlt(kerasBytes('resnet'), key, { workFactor: 4 }));
  const locked = await openModel({ path, key, architecture: 'classification' });
  const plain = await openModel({ path: kerasPath('resnet'), key, architecture: 'classification' });
  t.deepEqual(locked.payload, plain.payload);
  t.like(plain, { input: 'input_1', outputs: ['predictions/Softmax'], channels: 3, height: 32, width: 32 });
  t.is(plain.trainedRanges, undefined);
});

test('convert writes one ONNX file, and overwrites none', async (t) => {
  const cwd = aFolder(key);
  writeFileSync(join(cwd, 'resnet.hdf5'), kerasBytes('resnet'));
  const first = await runTool('tlt-model', ['convert', 'resnet.hdf5'], { cwd });
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /resnet\.onnx: \d+ bytes.*of 24 Keras layers with TLT's padding/);
  const model = parseModel(readFileSync(join(cwd, 'resnet.onnx')));
  t.deepEqual(
    outputsOf(graphOf(model)).map(({ name }) => name),
    ['predictions/Softmax'],
  );
  t.is(
    (await runTool('tlt-model', ['convert', 'resnet.hdf5'], { cwd })).code,
    failures.OutputExists.exitCode,
  );
});

test('convert pads as --padding says', async (t) => {
  const cwd = aFolder(key);
  const args = ['convert', kerasPath('resnet'), '-o', 'm.onnx', '--padding'];
  t.is((await runTool('tlt-model', [...args, 'else'], { cwd })).code, failures.Usage.exitCode);
  const { stdout } = await runTool('tlt-model', [...args, 'keras'], { cwd });
  t.regex(stdout, /with Keras's padding/);
});

test('a .keras zip is refused, and the message says what to use instead', async (t) => {
  const path = join(aFolder(key), 'm.keras');
  writeFileSync(path, 'PK\x03\x04 … config.json … model.weights.h5 … PK\x01\x02');
  await t.throwsAsync(openModel({ path, key, architecture: 'classification' }), {
    message: /m\.keras: it is a \.keras file.*Save the model as HDF5/,
  });
  t.regex((await inspectFile(path, { key })).note ?? '', /^a \.keras file.*Save the model as HDF5/);
});

test('inspect reports layers, parameters, QAT and the ONNX model that an export would write', async (t) => {
  const { stdout } = await runTool('tlt-model', ['inspect', kerasPath('detectnet_v2_qat'), '--json']);
  const { keras, model } = JSON.parse(stdout);
  t.like(keras, {
    kerasVersion: '2.2.4',
    backend: 'tensorflow',
    padding: 'tlt',
    parameters: 7947,
    qat: true,
  });
  t.deepEqual(keras.layers[2], { name: 'block_0_conv_1', class: 'QuantizedConv2D', parameters: 225 });
  t.deepEqual(model.inputs, [{ name: 'input_1', type: 'float32', shape: ['N', 3, 32, 64] }]);
});

test('inspect reports why a model cannot be exported', async (t) => {
  const path = await writeKeras({
    network: aNetwork(anInput(), aLayer('Mine', 'own', { from: ['input_1'] })),
    weights: { own: {} },
  });
  const { code, stdout } = await runTool('tlt-model', ['inspect', path]);
  t.is(code, 0);
  t.regex(stdout, /layers +2: 1 InputLayer, 1 Mine/);
  t.regex(stdout, /note +cannot be exported\. Converting the layer own \(Mine\)/);
});

test('a failed export leaves no files', async (t) => {
  const cwd = aFolder(key);
  const { code, stderr } = await runTool('tlt-export', base('resnet'), { cwd });
  t.is(code, failures.ModelUnsupported.exitCode, stderr);
  t.regex(
    stderr,
    /its outputs are predictions\/Softmax .*, and none can be identified as boxes and coverage/,
  );
  t.deepEqual(readdirSync(cwd), ['key.txt']);
});
