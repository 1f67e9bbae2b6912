/** Models that are quantised in another form than Q/DQ pairs are recognised before any work. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import { asInt8, exportNetwork } from '../builders/exports.ts';
import { classifierWith, Network } from '../builders/networks.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { runPeer } from '../peers/venv.ts';

/** Convolutions, and a matrix product at the end. */
const float = (): ModelProto => {
  const network = new Network();
  const flat = network.node('Flatten', [network.node('GlobalAveragePool', [network.stem()])]);
  const product = network.node('MatMul', [flat, network.weight([16, 5], 0.5)]);
  network.node('Softmax', [product], { axis: { int: 1 } }, ['predictions/Softmax']);
  return network.model();
};

/** The model quantised by onnxruntime. */
let forms: Readonly<Record<'dynamic' | 'partly' | 'operators', ModelProto>>;

test.before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-forms-'));
  writeFileSync(join(folder, 'source.onnx'), serializeModel(float()));
  await runPeer('quantise_forms.py', [join(folder, 'source.onnx'), folder]);
  const form = (name: string) => parseModel(readFileSync(join(folder, `${name}.onnx`)));
  forms = { dynamic: form('dynamic'), partly: form('partly'), operators: form('operators') };
});

const refusal = (reason: FailureReason) => failures[reason].exitCode;

test('a model that is dynamically quantised throughout is refused for int8 before calibration, and nothing is written', async (t) => {
  const engine = ['--engine_file', 'engine.onnx'];
  for (const more of [[], engine]) {
    const { code, stderr, folder } = await exportNetwork(forms.dynamic, ...(await asInt8()), ...more);
    t.is(code, refusal('ModelUnsupported'), stderr);
    t.regex(stderr, /the model is quantised already \(DynamicQuantizeLinear × \d, .*ConvInteger × 2/);
    t.deepEqual(readdirSync(folder).sort(), ['key.txt', 'model.onnx']);
  }
});

test('a dynamically quantised model is exported unchanged in fp32', async (t) => {
  const { code, stderr, payload } = await exportNetwork(forms.dynamic, '--engine_file', 'engine.onnx');
  t.is(code, 0, stderr);
  t.deepEqual(serializeModel(payload!), serializeModel(forms.dynamic));
});

test('a partly quantised model is calibrated for its float convolutions, with a warning', async (t) => {
  const { code, stderr, scales } = await exportNetwork(
    forms.partly,
    ...(await asInt8()),
    '--engine_file',
    'e.onnx',
  );
  t.is(code, 0, stderr);
  t.regex(stderr, /\[WARNING\].* Part of the model computes with integers already, and stays as it is: /);
  t.true(scales!.has('input_1'));
});

test('QLinear operators are refused for every data type, and not mistaken for training', async (t) => {
  for (const args of [[], ['--data_type', 'fp16'], await asInt8()]) {
    const { code, stderr, scales } = await exportNetwork(forms.operators, ...args);
    t.is(code, refusal('ModelUnsupported'), stderr);
    t.regex(stderr, /\(QLinear\w+\) computes with integers/);
    t.is(scales, undefined);
  }
});

const foreign: readonly (readonly [opType: string, domain: string, message: RegExp])[] = [
  [
    'FakeQuantize',
    'org.openvinotoolkit',
    /FakeQuantize of the domain org\.openvinotoolkit, as OpenVINO \(NNCF\) writes/,
  ],
  ['Quant', 'qonnx.custom_op.general', /Quant of the domain qonnx\.custom_op\.general, as QONNX writes/],
  ['Quant', 'onnx.brevitas', /as Brevitas writes/],
  ['QcQuantizeOp', 'aimet.customop.cpu', /as AIMET writes/],
  ['VitisQuantizeLinear', 'com.xilinx', /as Vitis AI writes/],
  ['TRT_FP8QuantizeLinear', 'trt', /Model Optimizer/],
  ['FixNeuron', '', /1 nodes FixNeuron of the domain ai\.onnx \(/],
];

const withQuantiser = (opType: string, domain: string): ModelProto => {
  const network = new Network();
  const quantised = network.node(opType, [network.stem()]);
  network.nodes.push(copyWith(network.nodes.pop()!, { domain }));
  network.head(quantised);
  const model = network.model();
  const [onnx] = model.opsetImport;
  const opsetImport = domain === '' ? [onnx!] : [onnx!, copyWith(onnx!, { domain, version: 1n })];
  return copyWith(model, { opsetImport });
};

test('quantisers of other tools are named with the tool, for every data type', async (t) => {
  for (const [opType, domain, message] of foreign) {
    for (const args of [[], await asInt8()]) {
      const { code, stderr, payload } = await exportNetwork(withQuantiser(opType, domain), ...args);
      t.is(code, refusal('ModelUnsupported'), stderr);
      t.regex(stderr, message);
      t.is(payload, undefined);
    }
  }
});

test('inspect shows in one line how a model is quantised, and how it is exported', async (t) => {
  const tensor = 'input_1';
  const network = (build: (built: Network) => string): ModelProto => {
    const built = new Network();
    built.head(build(built));
    return built.model();
  };
  const weights = network((built) => {
    const levels = built.bytes(
      [16, 3, 3, 3],
      Array.from({ length: 16 * 27 }, (_, i) => (i % 200) - 100),
    );
    return built.conv(tensor, built.node('DequantizeLinear', [levels, built.scalar(0.001)]));
  });
  const pairs = network((built) => {
    const scale = built.scalar(0.1);
    const integers = built.node('QuantizeLinear', [built.stem(), scale]);
    return built.node('DequantizeLinear', [integers, scale]);
  });
  const rows: readonly (readonly [ModelProto, string, boolean, RegExp])[] = [
    [forms.dynamic, 'integer', false, /ConvInteger × 2.*: fp32 exports the model unchanged; int8 is refused/],
    [forms.partly, 'partlyInteger', false, /MatMulInteger × 1.*int8 calibrates the float layers/],
    [forms.operators, 'operators', false, /QLinearConv × 2.*: refused for every data type/],
    [weights, 'weights', false, /DequantizeLinear × 1: they become float weights; int8 calibrates/],
    [pairs, 'pairs', true, /QuantizeLinear × 1: the pairs are removed; int8 uses their scales/],
    [withQuantiser('Quant', 'onnx.brevitas'), 'foreign', false, /Quant × 1: refused for every data type/],
  ];
  for (const [model, form, qat, line] of rows) {
    const folder = aFolder();
    writeFileSync(join(folder, 'm.onnx'), serializeModel(model));
    const { stdout } = await runTool('tlt-model', ['inspect', 'm.onnx'], { cwd: folder });
    t.regex(stdout.split('\n').find((each) => each.includes('quantised')) ?? '', line);
    const json = await runTool('tlt-model', ['inspect', '--json', 'm.onnx'], { cwd: folder });
    t.like(JSON.parse(json.stdout).model, { qat, quantisation: { form } });
  }
});

test('a network that is too narrow for int8 is not reported as another model after its calibration', async (t) => {
  const network = new Network();
  const narrow = network.conv('input_1', network.weight([5, 3, 3, 3], 0.02));
  const mean = network.node('ReduceMean', [narrow], { axes: { ints: [2, 3] }, keepdims: { int: 0 } });
  network.node('Softmax', [mean], { axis: { int: 1 } }, ['predictions/Softmax']);
  const { code, stderr } = await exportNetwork(
    network.model(),
    ...(await asInt8()),
    '--engine_file',
    'engine.onnx',
  );
  t.is(code, 0, stderr);
  t.notRegex(stderr, /another model/);
});

test('scales of another model are reported as such', (t) => {
  const model = classifierWith((_, from) => from);
  t.throws(() => quantiseModel(model, new Map([['elsewhere', 0.1]])), {
    message:
      /no scale for any of the \d+ tensors that would be quantised \(\S+ …\), so it is of another model\. Name/,
  });
});
