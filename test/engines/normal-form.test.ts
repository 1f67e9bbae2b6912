/** Several forms of one graph get one normal form and are exported identically. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import {
  FunctionProtoSchema,
  type ModelProto,
  SparseTensorProtoSchema,
} from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf, tensorFromFloats, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { toNormalForm } from '../../src/graph/transforms/normal-form.ts';
import { failures } from '../../src/ground/base/failures.ts';
import {
  withFunctions,
  withListedWeights,
  withLongDomain,
  withSparseWeights,
  withTwoImports,
} from '../builders/exporter-forms.ts';
import { bodyOf, classifierWith } from '../builders/networks.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { compareModels } from '../peers/compared-models.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

/** A layer in the graph and a layer in both branches of an If that reads it. */
const plain = (): ModelProto =>
  classifierWith((network, from) => {
    const branch = (name: string) => ({
      graph: bodyOf(name, [], (body) => [body.node('Relu', [body.conv(from, weight)])]),
    });
    const weight = network.weight([16, 16, 3, 3]);
    const rank = network.node('Size', [network.node('Shape', [from])]);
    const isImage = network.node('Equal', [rank, network.tensor(tensorFromInt64s('four', [], [4]))]);
    const chosen = network.node('If', [isImage], {
      then_branch: branch('then'),
      else_branch: branch('else'),
    });
    return network.node('Relu', [network.conv(chosen)]);
  });

const forms: Readonly<Record<string, (model: ModelProto) => ModelProto>> = {
  'weights listed as inputs, IR 3': (model) => withListedWeights(model, 3n),
  'weights listed as inputs, IR 6': (model) => withListedWeights(model, 6n),
  'weights listed as inputs, IR 8': (model) => withListedWeights(model, 8n),
  'the domain ai.onnx': withLongDomain,
  'the default domain imported twice': withTwoImports,
  'sparse weights, by flat indices': (model) => withSparseWeights(model, 'Flat'),
  'sparse weights, by coordinates': (model) => withSparseWeights(model, 'Coordinates'),
  functions: withFunctions,
  'all forms combined': (model) =>
    withLongDomain(withListedWeights(withFunctions(withTwoImports(model)), 8n)),
};

const int8Export = async (model: ModelProto) => {
  const cwd = aFolder();
  writeFileSync(join(cwd, 'model.onnx'), serializeModel(model));
  const args = ['classification', '-m', 'model.onnx', '--key_file', 'key.txt', '--data_type', 'int8'];
  const images = ['--cal_image_dir', await smallPhotosFolder(), '--batches', '1', '--batch_size', '8'];
  const rest = ['--cal_algorithm', 'MinMax', '--cal_cache_file', 'cal.bin', '--engine_file', 'engine.onnx'];
  const { code, stderr } = await runTool('tlt-export', [...args, ...images, ...rest], { cwd });
  const cache =
    code === 0 ? parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8')).scales : undefined;
  const engine = code === 0 ? readFileSync(join(cwd, 'engine.onnx')) : undefined;
  return { code, stderr, cache, engine, files: readdirSync(cwd) };
};

test('every form exports to int8 with the scales and the engine of the plain form', async (t) => {
  const expected = await int8Export(plain());
  t.is(expected.code, 0, expected.stderr);
  for (const [form, made] of Object.entries(forms)) {
    const { code, stderr, cache, engine } = await int8Export(made(plain()));
    t.is(code, 0, `${form}: ${stderr}`);
    const values = [...new Set(cache!.values())].sort();
    t.deepEqual(values, [...new Set(expected.cache!.values())].sort(), form);
    if (!made(plain()).functions.length) t.deepEqual([...cache!.keys()], [...expected.cache!.keys()], form);
    t.is(engine!.length > 1000, true, form);
  }
});

test('onnx and onnxruntime compute the same from the normal form as from each form', async (t) => {
  const made = Object.entries(forms).map(([form, make]) => [form, make(plain())] as const);
  const isRefused = (model: ModelProto) => graphOf(model).node.some(({ domain }) => domain === 'ai.onnx');
  const compared = await compareModels(
    made.map(([, source]) => ({
      reference: isRefused(source) ? plain() : source,
      model: toNormalForm(source).model,
    })),
  );
  for (const [i, { sqnr, error }] of compared.entries()) {
    t.is(error, undefined, made[i]![0]);
    t.true(
      sqnr!.every((each) => each! > 100),
      `${made[i]![0]}: ${sqnr} dB`,
    );
  }
});

test('a model in normal form stays the same object, and other forms get it in one pass', (t) => {
  const model = plain();
  t.is(toNormalForm(model).model, model);
  for (const [form, make] of Object.entries(forms)) {
    const once = toNormalForm(make(plain())).model;
    t.is(toNormalForm(once).model, once, form);
    t.deepEqual(once.functions, [], form);
    t.deepEqual(
      once.opsetImport.map(({ domain }) => domain),
      [''],
      form,
    );
    t.deepEqual(
      graphOf(once).input.map(({ name }) => name),
      ['input_1'],
      form,
    );
  }
});

test('the file is kept unchanged if only its inputs or imports change', (t) => {
  const rewritten = Object.entries(forms).filter(([, make]) => toNormalForm(make(plain())).isRewritten);
  t.deepEqual(
    rewritten.map(([form]) => form),
    [
      'the domain ai.onnx',
      'sparse weights, by flat indices',
      'sparse weights, by coordinates',
      'functions',
      'all forms combined',
    ],
  );
});

const modelOf = (opset: number, changes: Partial<ModelProto> = {}): ModelProto => {
  const model = makeModel({
    name: 'one',
    opset,
    inputs: [makeValueInfo('input_1', elementType.float32, ['N', 3, 8, 8])],
    outputs: [makeValueInfo('predictions/Softmax', elementType.float32, ['N', 3, 8, 8])],
    nodes: [makeNode('Relu', { inputs: ['input_1'], outputs: ['predictions/Softmax'] })],
  });
  return copyWith(model, changes);
};

test('obsolete opsets are unsupported, not damaged, for every data type', async (t) => {
  for (const opset of [1, 6])
    for (const dataType of ['fp32', 'fp16', 'int8']) {
      const cwd = aFolder();
      writeFileSync(join(cwd, 'model.onnx'), serializeModel(modelOf(opset)));
      const images = ['--cal_image_dir', await smallPhotosFolder()];
      const args = [
        'classification',
        '-m',
        'model.onnx',
        '--key_file',
        'key.txt',
        '--data_type',
        dataType,
        ...images,
      ];
      const { code, stderr } = await runTool('tlt-export', args, { cwd });
      t.is(code, failures.ModelUnsupported.exitCode, stderr);
      t.regex(stderr, new RegExp(`operator set ${opset}; .* require 7 or later`));
      t.deepEqual(readdirSync(cwd).sort(), ['key.txt', 'model.onnx']);
    }
});

const refused = (model: ModelProto) => {
  const normal = () => toNormalForm(model);
  return { normal };
};

const call = makeNode('F', { inputs: ['input_1'], outputs: ['predictions/Softmax'], domain: 'own' });
const calling = (body: ReturnType<typeof makeNode>, opset = 13): ModelProto => {
  const model = modelOf(13);
  const [onnx] = model.opsetImport;
  return copyWith(model, {
    graph: copyWith(graphOf(model), { node: [call] }),
    functions: [
      create(FunctionProtoSchema, {
        ...{ name: 'F', domain: 'own', input: ['x'], output: ['y'], node: [body] },
        opsetImport: [copyWith(onnx!, { version: BigInt(opset) })],
      }),
    ],
  });
};

test('a function that calls itself is damaged', (t) => {
  const itself = makeNode('F', { inputs: ['x'], outputs: ['y'], domain: 'own' });
  t.throws(refused(calling(itself)).normal, { message: /function own\.F calls itself/ });
});

test('a function of another opset is inlined if its operators are the same, and refused otherwise', (t) => {
  const relu = makeNode('Relu', { inputs: ['x'], outputs: ['y'] });
  t.is(graphOf(toNormalForm(calling(relu)).model).node[0]!.opType, 'Relu');
  t.throws(refused(calling(relu, 14)).normal, {
    message: /operator set 14 and the model 13, and Relu differs/,
  });
  const erf = makeNode('Erf', { inputs: ['x'], outputs: ['y'] });
  t.is(graphOf(toNormalForm(calling(erf, 14)).model).node[0]!.opType, 'Erf');
});

test('a call without an optional input, or of a function that returns its input, is inlined', (t) => {
  const clip = makeNode('Clip', { inputs: ['x', 'low'], outputs: ['y'] });
  const model = calling(clip);
  const [made] = model.functions;
  const optional = copyWith(model, { functions: [copyWith(made!, { input: ['x', 'low'] })] });
  t.deepEqual(graphOf(toNormalForm(optional).model).node[0]!.input, ['input_1', '']);
  const through = copyWith(model, { functions: [copyWith(made!, { output: ['x'], node: [] })] });
  t.deepEqual(
    graphOf(toNormalForm(through).model).node.map(({ opType, output }) => [opType, ...output]),
    [['Identity', 'predictions/Softmax']],
  );
});

test('two versions of the default domain are refused', (t) => {
  const [own] = modelOf(13).opsetImport;
  const model = modelOf(13, { opsetImport: [own!, copyWith(own!, { domain: 'ai.onnx', version: 12n })] });
  t.throws(refused(model).normal, { message: /ai\.onnx in versions 13 and 12/ });
});

const sparse = (dims: readonly bigint[], indices: readonly number[], dataType?: number): ModelProto => {
  const values = tensorFromFloats('w', [2], Float32Array.of(5, 7));
  const model = modelOf(13);
  const made = create(SparseTensorProtoSchema, {
    values: dataType === undefined ? values : copyWith(values, { dataType, rawData: new Uint8Array(4) }),
    indices: tensorFromInt64s('', [indices.length], indices),
    dims: [...dims],
  });
  return copyWith(model, { graph: copyWith(graphOf(model), { sparseInitializer: [made] }) });
};

test('sparse tensors are checked before conversion: no index outside, no size above a file', (t) => {
  t.deepEqual(
    [...floatsOf(graphOf(toNormalForm(sparse([2n, 2n], [1, 2])).model).initializer[0]!)],
    [0, 5, 7, 0],
  );
  t.throws(refused(sparse([2n, 2n], [1, 4])).normal, { message: /an index is outside it/ });
  t.throws(refused(sparse([2n, 2n], [1])).normal, { message: /2 values and 1 indices/ });
  t.throws(refused(sparse([2n ** 20n, 2n ** 20n], [0, 1])).normal, { message: /smaller than 2 GiB/ });
  t.throws(refused(sparse([4n], [0, 1], elementType.bfloat16)).normal, {
    message: /bfloat16 are not supported in computations/,
  });
});
