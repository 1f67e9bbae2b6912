/** The graphs for builders: accepted by onnx's checker, and compared with the float graph by running both. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Statistics, scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { collectStatistics } from '../../src/calibration/pass/calibrate.ts';
import { type Batch, imageBatches } from '../../src/data/preprocessing/batches.ts';
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf } from '../../src/formats/onnx/graph.ts';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import type { Agreement } from '../../src/graph/evaluation/agreement.ts';
import { type FloatTensor, openSession } from '../../src/graph/inference/session.ts';
import { convertToHalf } from '../../src/graph/precision/half.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { foldBatchNorms } from '../../src/graph/transforms/fold-batchnorm.ts';
import { raiseOpset } from '../../src/graph/transforms/raise-opset.ts';
import { agreementOf } from '../builders/agreement.ts';
import { collect } from '../builders/collected.ts';
import { streamed } from '../builders/streamed.ts';
import { modelFile } from '../models/models.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

let model: ModelProto;
let statistics: Statistics;
/** Images of the calibration. */
let seen: readonly Batch[];
/** Held-out images. */
let held: Batch;
/** Outputs of the float model for them. */
let float: Outputs;

type Outputs = Readonly<Record<string, FloatTensor>>;

const pixels = {
  size: { channels: 3, height: 48, width: 192 },
  preprocessing: preprocessingOf('classification', 3),
  batchSize: 8,
} as const;

test.before(async () => {
  model = await readModelFile(modelFile('classifier'));
  const sample = await sampleImages(await photosFolder(), { batches: 6, batchSize: 4, seed: 3 });
  const heldOut = sample.heldOut.slice(0, 32);
  seen = await collect(imageBatches(sample.chosen, pixels));
  [held] = (await collect(imageBatches(heldOut, { ...pixels, batchSize: heldOut.length }))) as [Batch];
  statistics = await measured(seen);
  float = await runOn(model);
});

const runOn = async (each: ModelProto): Promise<Outputs> => {
  const session = await openSession(serializeModel(each));
  const outputs = await session.run({ input_1: held });
  await session.release();
  return outputs;
};

const agreementWith = async (each: ModelProto): Promise<Agreement> =>
  agreementOf(float, await runOn(each), held.paths.length);

const measured = (batches: readonly Batch[]): Promise<Statistics> =>
  collectStatistics({
    model,
    input: 'input_1',
    shape: [1, 3, 48, 192],
    batches: streamed(batches),
    progress: () => {},
    signal: new AbortController().signal,
  });

test('the Q/DQ graph agrees with the float graph on held-out images', async (t) => {
  for (const [algorithm, leastDb] of [
    ['Entropy', 17.5],
    ['Mse', 19.4],
  ] as const) {
    const { sqnrDb, top1 } = await agreementWith(quantiseModel(model, scalesOf(statistics, algorithm)));
    t.log(`${algorithm}: ${sqnrDb.toFixed(1)} dB, top-1 ${top1}`);
    t.true(sqnrDb > leastDb, `${algorithm}: ${sqnrDb} dB`);
    t.true(top1! >= 0.84);
  }
});

test("int8 agrees with float better than onnxruntime's own static quantiser does, calibrated with the same tensors", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-graphs-'));
  const [source, target] = [join(folder, 'source.onnx'), join(folder, 'target.onnx')];
  writeFileSync(source, serializeModel(raiseOpset(model)));
  const tensors = seen.map(({ data, dims }, i) => {
    const path = join(folder, `${i}.pb`);
    writeFileSync(path, serializeTensor(tensorFromFloats('input_1', dims, data)));
    return path;
  });
  await runPeer('quantise_static.py', [source, target, 'input_1', 'Percentile', ...tensors]);
  const theirs = await agreementWith(await readModelFile(target));
  for (const algorithm of ['Entropy', 'Percentile', 'Auto'] as const) {
    const { sqnrDb } = await agreementWith(quantiseModel(model, scalesOf(statistics, algorithm)));
    t.true(sqnrDb >= theirs.sqnrDb, `${algorithm}: ${sqnrDb} dB, theirs ${theirs.sqnrDb} dB`);
  }
});

test('the Q/DQ graph has one pair per tensor, int8 weights and float biases', async (t) => {
  const { node, initializer } = graphOf(quantiseModel(model, scalesOf(statistics, 'MinMax')));
  const quantised = node.filter(({ opType }) => opType === 'QuantizeLinear').map(({ input }) => input[0]!);
  t.true(quantised.length > 20);
  t.is(new Set(quantised).size, quantised.length);
  const names = new Map(initializer.map((tensor) => [tensor.name, tensor]));
  for (const conv of node.filter(({ opType }) => opType === 'Conv')) {
    const quantisedInput = conv.input[0]!.endsWith('/dequantized');
    t.is(
      conv.input[1]!.endsWith('/dequantized'),
      quantisedInput,
      'input and weight are quantised together or not at all',
    );
    if (conv.input[2]) t.is(names.get(conv.input[2])?.dataType, elementType.float32);
  }
});

test('the fp16 graph keeps float32 inputs and outputs, and agrees to half precision', async (t) => {
  const { sqnrDb } = await agreementWith(convertToHalf(model));
  t.log(`${sqnrDb.toFixed(1)} dB`);
  t.true(sqnrDb > 46.9, `${sqnrDb} dB`);
});

test('folding batch norms changes the output only by rounding', async (t) => {
  const graph = foldConstants(graphOf(model));
  const folded = foldBatchNorms(graph);
  const count = (nodes: typeof graph.node) =>
    nodes.filter(({ opType }) => opType === 'BatchNormalization').length;
  t.true(count(graph.node) > 30);
  t.is(count(folded.node), 0);
  const { sqnrDb } = await agreementWith(copyWith(model, { graph: folded }));
  t.true(sqnrDb > 90, `${sqnrDb} dB`);
});

test("onnx's checker accepts the Q/DQ graphs and the fp16 graph", async (t) => {
  const graphs = [
    quantiseModel(model, scalesOf(statistics, 'Entropy')),
    quantiseModel(model, scalesOf(statistics, 'Mse')),
    convertToHalf(model),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'tlt-graphs-'));
  const paths = graphs.map((graph, i) => {
    const path = join(folder, `${i}.onnx`);
    writeFileSync(path, serializeModel(graph));
    return path;
  });
  t.is(((await runPeer('check_onnx.py', paths)) as unknown[]).length, graphs.length);
});
