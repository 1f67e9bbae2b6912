/** Side effects and failures of ONNX Runtime. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';
import { SegmentRunner } from '../../src/graph/inference/segment-runner.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { bodyOf, classifierWith } from '../builders/networks.ts';
import { aFolder, runProcess, runTool } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { photosFolder } from '../photos/photos.ts';
import { readSources, withoutComments } from '../sources.ts';

test('a calibration creates no machine identifier for telemetry, in any thread', async (t) => {
  const cwd = aFolder();
  writeFileSync(join(cwd, 'model.onnx'), await smallClassifier());
  const home = mkdtempSync(join(tmpdir(), 'tlt-test-home-'));
  // A test run suppresses reports too, and so must not be recognised.
  const env = { HOME: home, CI: undefined, XDG_CACHE_HOME: undefined, ORT_DISABLE_TELEMETRY: undefined };
  const images = ['--cal_image_dir', await photosFolder(), '--batches', '1', '--batch_size', '4'];
  const files = ['-m', 'model.onnx', '--key_file', 'key.txt', '-o', 'model.etlt'];
  const { code, stderr } = await runProcess(
    'tlt-export',
    ['classification', ...files, '--data_type', 'int8', ...images],
    { cwd, env },
  );
  t.is(code, 0, stderr);
  t.false(existsSync(join(home, '.cache')));
});

test('only session.ts opens and runs graphs, so that every failure of ONNX Runtime has a reason', (t) => {
  const doors = readSources().filter(({ imports }) =>
    imports.some(({ target }) => target === 'graph/inference/onnxruntime.ts'),
  );
  const calls = doors.filter(({ text }) => /InferenceSession\.create|\.run\(/.test(withoutComments(text)));
  t.deepEqual(
    calls.map(({ path }) => path),
    ['graph/inference/session.ts'],
  );
});

const open = async (model: ModelProto | Uint8Array) =>
  openSession(model instanceof Uint8Array ? model : serializeModel(model), { threads: 1 });

const reasonOf = async (action: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await action.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof UserError ? thrown.reason : `no typed error: ${String(thrown)}`;
};

const one = (opType: string, domain = ''): ModelProto => {
  const model = makeModel({
    name: 'one',
    opset: 13,
    inputs: [makeValueInfo('x', elementType.float32, ['N', 4])],
    outputs: [makeValueInfo('y', elementType.float32, ['N', 4])],
    nodes: [makeNode(opType, { inputs: ['x'], outputs: ['y'], domain })],
  });
  const [onnx] = model.opsetImport;
  return domain === ''
    ? model
    : copyWith(model, { opsetImport: [onnx!, copyWith(onnx!, { domain, version: 1n })] });
};

const versioned = (changes: Partial<ModelProto>): ModelProto => copyWith(one('Relu'), changes);

test('a valid model that ONNX Runtime does not support is unsupported, and a broken one is damaged', async (t) => {
  const [onnx] = one('Relu').opsetImport;
  const unsupported = {
    'an operator of no operator set': one('Rectify'),
    'an operator of an unknown domain': one('FakeQuantize', 'org.openvinotoolkit'),
    'an IR version of the future': versioned({ irVersion: 99n }),
    'an operator set of the future': versioned({ opsetImport: [copyWith(onnx!, { version: 99n })] }),
  };
  for (const [what, model] of Object.entries(unsupported))
    t.is(await reasonOf(open(model)), 'ModelUnsupported', what);
  t.is(await reasonOf(open(serializeModel(one('Relu')).subarray(0, 40))), 'ModelInvalid');
  t.is(await reasonOf(open(one('MatMulInteger'))), 'ModelInvalid');
});

test('an error while a graph runs has a reason, in a session and in the threads of a calibration', async (t) => {
  const reshape = makeModel({
    name: 'uneven',
    opset: 13,
    inputs: [makeValueInfo('x', elementType.float32, ['N', 4])],
    outputs: [makeValueInfo('y', elementType.float32, undefined)],
    initializers: [tensorFromInt64s('threes', [2], [-1, 3])],
    nodes: [makeNode('Reshape', { inputs: ['x', 'threes'], outputs: ['y'] })],
  });
  const feeds = { x: { data: new Float32Array(4), dims: [1, 4] } };
  const session = await open(reshape);
  t.is(await reasonOf(session.run(feeds)), 'ModelUnsupported');
  await session.release();
  const runner = new SegmentRunner(new Uint8Array(0));
  const segment = { inputs: ['x'], outputs: ['y'], places: new Map(), done: ['x', 'y'] };
  await runner.open({ ...segment, model: serializeModel(reshape) as Uint8Array<ArrayBuffer> });
  t.is(await reasonOf(runner.run('x', feeds.x, () => {})), 'ModelUnsupported');
  await runner.close();
});

const withLoop = (): ModelProto =>
  classifierWith((network, from) => {
    const [boolean, integer] = [elementType.bool, elementType.int64];
    const inputs = [
      makeValueInfo('turn', integer, []),
      makeValueInfo('more', boolean, []),
      makeValueInfo('state', elementType.float32, undefined),
    ];
    const body = bodyOf('body', inputs, (inner) => [
      inner.node('Identity', ['more']),
      inner.node('Relu', [inner.conv('state', inner.weight([16, 16, 3, 3], 0.1))]),
    ]);
    const turns = network.tensor(tensorFromInt64s('turns', [], [3]));
    return network.node('Loop', [turns, '', from], { body: { graph: body } });
  });

test('an engine that ONNX Runtime cannot load is saved in a simpler form, with a warning', async (t) => {
  const cwd = aFolder();
  writeFileSync(join(cwd, 'model.onnx'), serializeModel(withLoop()));
  const args = [
    'classification',
    '-m',
    'model.onnx',
    '--key_file',
    'key.txt',
    '--engine_file',
    'engine.onnx',
  ];
  const { code, stderr } = await runTool('tlt-export', args, { cwd });
  t.is(code, 0, stderr);
  t.regex(
    stderr,
    /\[WARNING\].* The engine is saved with fused layers only, because ONNX Runtime could not load the more optimised one\./,
  );
  const data = Float32Array.from({ length: 768 }, (_, i) => Math.sin(i) * 50);
  const feeds = { input_1: { data, dims: [1, 3, 16, 16] } };
  const outputs = [withLoop(), readFileSync(join(cwd, 'engine.onnx'))].map(async (model) => {
    const session = await open(model);
    const result = (await session.run(feeds))['predictions/Softmax']!;
    await session.release();
    return result.data;
  });
  const [wanted, found] = await Promise.all(outputs);
  for (const [i, value] of wanted!.entries()) t.true(Math.abs(value - found![i]!) < 1e-5);
});
