import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { withKerasFile } from '../../src/formats/hdf5/keras-file.ts';
import { parsePythonJson } from '../../src/formats/hdf5/python-json.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf, inputsOf, outputsOf, shapeOf } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { type ImportedModel, importKeras } from '../../src/graph/keras/import.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';
import { sameBytes } from '../builders/same-bytes.ts';
import { runPeer } from '../peers/venv.ts';
import {
  aLayer,
  aNetwork,
  anInput,
  difference,
  expectedOf,
  imported,
  kerasBytes,
  kerasPath,
  writeKeras,
} from './fixtures.ts';

const backbones = [
  'resnet',
  'vgg',
  'mobilenet_v1',
  'mobilenet_v2',
  'squeezenet',
  'darknet',
  'googlenet',
  'efficientnet',
  'alexnet',
  'cspdarknet',
];
/** Layer options that the other models do not use, as saved by Keras 2 and Keras 3. */
const more = ['more_keras2', 'more_keras3'];
/** Networks with preprocessing layers at the start. */
const prepared = ['prepared_keras2', 'prepared_keras3'];
const others = ['detectnet_v2', 'detectnet_v2_qat', 'layers_tlt', 'layers_first', 'layers_last'];

const models = new Map<string, Promise<ImportedModel>>();

/** The imported fixture; imported once for all tests. */
const modelOf = async (name: string): Promise<ModelProto> => {
  const known = models.get(name) ?? imported(kerasPath(name));
  models.set(name, known);
  return (await known).model;
};

const computesTheSame = test.macro({
  exec: async (t, name: string, from?: string) => {
    const session = await openSession(serializeModel(await modelOf(name)));
    const { input, outputs } = await expectedOf(name, from);
    const found = await session.run({ input_1: input });
    await session.release();
    t.is(session.outputs.length, outputs.length);
    for (const [i, expected] of outputs.entries()) {
      const tensor = found[session.outputs[i]!.name]!;
      t.deepEqual(tensor.dims, expected.dims);
      t.true(
        difference(tensor, expected) < 1e-5,
        `${session.outputs[i]!.name}: ${difference(tensor, expected)}`,
      );
    }
  },
  title: (_, name) => `${name} computes what Keras computes`,
});
for (const name of [...backbones, ...others]) test(computesTheSame, name);
for (const name of more) test(computesTheSame, name, 'more.h5');
for (const name of prepared) test(computesTheSame, name, 'prepared.h5');

test("onnx's checker and TensorRT's parser accept every graph", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keras-onnx-'));
  const paths: string[] = [];
  for (const name of [...backbones, ...others, ...more, ...prepared]) {
    const path = join(folder, `${name}.onnx`);
    writeFileSync(path, serializeModel(await modelOf(name)));
    paths.push(path);
  }
  const checked = (await runPeer('check_onnx.py', paths)) as [number, number][];
  t.deepEqual([...new Set(checked.map(([opset]) => opset))], [13]);
  const parsed = (await runPeer('parse_trt.py', paths)) as (number | string[])[];
  t.deepEqual(
    parsed.filter((each) => typeof each !== 'number'),
    [],
  );
});

const portsOf = async (name: string) => {
  const graph = graphOf(await modelOf(name));
  const described = (values: ReturnType<typeof inputsOf>) =>
    Object.fromEntries(values.map((value) => [value.name, shapeOf(value)]));
  return { inputs: described(inputsOf(graph)), outputs: described(outputsOf(graph)) };
};

test("a classifier has TLT's names and a free batch size", async (t) => {
  t.deepEqual(await portsOf('resnet'), {
    inputs: { input_1: ['N', 3, 32, 32] },
    outputs: { 'predictions/Softmax': ['N', 6] },
  });
});
test("a detector has TLT's names and a free batch size", async (t) => {
  t.deepEqual(await portsOf('detectnet_v2'), {
    inputs: { input_1: ['N', 3, 32, 64] },
    outputs: { 'output_bbox/BiasAdd': ['N', 4, 4, 8], 'output_cov/Sigmoid': ['N', 1, 4, 8] },
  });
});
test('channels_last images become N,C,H,W', async (t) => {
  const { inputs, outputs } = await portsOf('layers_last');
  t.deepEqual(inputs, { input_1: ['N', 3, 17, 22] });
  t.deepEqual(Object.keys(outputs), ['predictions/Softmax', 'maps/Softmax']);
});
test('a channels_last network has no transposes between its layers, only where images end', async (t) => {
  const transposed = graphOf(await modelOf('layers_last')).node.filter(
    ({ opType }) => opType === 'Transpose',
  );
  t.deepEqual(transposed.map(({ name }) => name.split('/')[0]).sort(), ['flatten', 'per_place']);
});
test('no node has only constant inputs', async (t) => {
  for (const name of backbones) {
    const { node, initializer } = graphOf(await modelOf(name));
    const constants = new Set(initializer.map((tensor) => tensor.name));
    t.deepEqual(
      node.filter(({ input }) => input.every((each) => constants.has(each))),
      [],
    );
  }
});
test('a shared layer stores its weights once', async (t) => {
  const { initializer, node } = graphOf(await modelOf('layers_first'));
  t.is(initializer.filter((tensor) => tensor.name.startsWith('shared/kernel')).length, 1);
  t.is(node.filter(({ input }) => input.includes('shared/kernel')).length, 2);
});

test('bytes in memory give the same model as the file', async (t) => {
  const bytes = kerasBytes('resnet');
  const { model } = await withKerasFile({ path: 'resnet.tlt', content: readableBytes(bytes) }, (file) =>
    importKeras(file),
  );
  t.true(sameBytes(serializeModel(model), serializeModel(await modelOf('resnet'))));
});

test('the padding convention can be set where its detection is wrong', async (t) => {
  t.is((await imported(kerasPath('layers_tlt'))).dialect, 'tlt');
  t.is((await imported(kerasPath('layers_first'))).dialect, 'keras');
  const { model, dialect } = await imported(kerasPath('layers_tlt'), { dialect: 'keras' });
  t.is(dialect, 'keras');
  const pads = (name: string) =>
    graphOf(model)
      .node.find((node) => node.name === name)!
      .attribute.find((attribute) => attribute.name === 'pads')!
      .ints.map(Number);
  t.deepEqual(pads('conv/BiasAdd'), [1, 0, 1, 1]);
});

test("NaN and infinity in Python's JSON are read, in a regularizer and as the limit of a ReLU", async (t) => {
  const network = (limit: unknown, l1: unknown) =>
    aNetwork(
      anInput([4, 4, 3]),
      aLayer('ReLU', 'relu', { config: { max_value: limit, regularizer: { l1 } }, from: ['input_1'] }),
    );
  const written = JSON.stringify(network('INFINITY', 'NAN'))
    .replace('"INFINITY"', 'Infinity')
    .replace('"NAN"', 'NaN');
  const bytesOf = async (made: unknown) =>
    serializeModel((await imported(await writeKeras({ network: made }))).model);
  t.true(sameBytes(await bytesOf(written), await bytesOf(network(null, 0))));
});

test("Python's special numbers are read only outside strings", (t) => {
  t.deepEqual(parsePythonJson('{"NaN": [NaN, -Infinity, Infinity], "a": "NaN \\" Infinity"}'), {
    NaN: [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    a: 'NaN " Infinity',
  });
  t.throws(() => parsePythonJson('{"a": NaN'), { instanceOf: SyntaxError });
  t.throws(() => parsePythonJson('{"a": nan}'), { instanceOf: SyntaxError });
});
