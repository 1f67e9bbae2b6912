/** The graphs that builders get: held to onnx's checker, and to the float graph by running both. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Statistics, scalesOf } from '../../src/calibration/statistics.ts';
import { agreementOf } from '../../src/engines/agreement.ts';
import { foldBatchNorms } from '../../src/engines/fold-batchnorm.ts';
import { halfModel } from '../../src/engines/half.ts';
import { quantisedModel } from '../../src/engines/qdq.ts';
import { raiseOpset } from '../../src/engines/raise-opset.ts';
import { openSession } from '../../src/engines/session.ts';
import { collectStatistics } from '../../src/exporting/calibrate.ts';
import type { ModelProto } from '../../src/formats/generated/onnx_pb.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import { copyWith, foldConstants, graphOf } from '../../src/formats/onnx/graph.ts';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { type Batch, imageBatches } from '../../src/preprocessing/batches.ts';
import { sampleImages } from '../../src/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/preprocessing/normalise.ts';
import { collected } from '../builders/collected.ts';
import { modelFile } from '../models/models.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

let model: ModelProto;
let statistics: Statistics;
let chosen: readonly string[];
/** Images kept out of calibration. */
let held: Batch;

const pixels = {
  size: { channels: 3, height: 48, width: 192 },
  preprocessing: preprocessingOf('classification', 3),
} as const;

test.before(async () => {
  model = await readModelFile(modelFile('classifier'));
  const { kept, ...sample } = await sampleImages(await photosFolder(), {
    batches: 10,
    batchSize: 4,
    seed: 3,
  });
  chosen = sample.chosen;
  statistics = await measured(chosen);
  [held] = (await collected(imageBatches(kept, { ...pixels, batchSize: kept.length }))) as [Batch];
});

const runOn = async (each: ModelProto, batch: Batch) => {
  const session = await openSession(serializeModel(each));
  const outputs = await session.run({ input_1: batch });
  await session.release();
  return outputs;
};

const measured = async (chosen: readonly string[]): Promise<Statistics> =>
  collectStatistics({
    model,
    input: 'input_1',
    shape: [1, 3, 48, 192],
    batches: imageBatches(chosen, { ...pixels, batchSize: 8 }),
    progress: () => {},
    signal: new AbortController().signal,
  });

const checked = async (name: string, each: ModelProto): Promise<unknown> => {
  const path = join(mkdtempSync(join(tmpdir(), 'tlt-graphs-')), `${name}.onnx`);
  writeFileSync(path, serializeModel(each));
  return runPeer('check_onnx.py', [path]);
};

test("the Q/DQ graph passes onnx's checker and agrees with the float graph on images kept out of calibration", async (t) => {
  for (const algorithm of ['Entropy', 'Mse'] as const) {
    const quantised = quantisedModel(model, scalesOf(statistics, algorithm));
    t.truthy(await checked('qdq', quantised));
    const { sqnrDb, top1 } = agreementOf(await runOn(model, held), await runOn(quantised, held));
    t.log(`${algorithm}: ${sqnrDb.toFixed(1)} dB, top-1 ${top1}`);
    t.true(sqnrDb > 10, `${algorithm}: ${sqnrDb} dB`);
    t.true(top1! >= 0.75);
  }
});

test("int8 agrees with float better than onnxruntime's own static quantiser does, calibrated with the same tensors", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-graphs-'));
  const [source, target] = [join(folder, 'source.onnx'), join(folder, 'target.onnx')];
  writeFileSync(source, serializeModel(raiseOpset(model)));
  const tensors = (await collected(imageBatches(chosen, { ...pixels, batchSize: 8 }))).map(
    ({ data, dims }, i) => {
      const path = join(folder, `${i}.pb`);
      writeFileSync(path, serializeTensor(tensorFromFloats('input_1', dims, data)));
      return path;
    },
  );
  await runPeer('quantise_static.py', [source, target, 'input_1', 'Percentile', ...tensors]);
  const float = await runOn(model, held);
  const theirs = agreementOf(float, await runOn(await readModelFile(target), held));
  for (const algorithm of ['Entropy', 'Percentile', 'Auto'] as const) {
    const quantised = quantisedModel(model, scalesOf(statistics, algorithm));
    const { sqnrDb } = agreementOf(float, await runOn(quantised, held));
    t.true(sqnrDb >= theirs.sqnrDb, `${algorithm}: ${sqnrDb} dB, theirs ${theirs.sqnrDb} dB`);
  }
});

test('in the Q/DQ graph each tensor has one pair, weights are int8, and no bias is quantised', async (t) => {
  const { node, initializer } = graphOf(quantisedModel(model, scalesOf(statistics, 'MinMax')));
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

test("the fp16 graph passes onnx's checker, keeps float ports, and agrees to half precision", async (t) => {
  const half = halfModel(model);
  t.truthy(await checked('half', half));
  const { sqnrDb } = agreementOf(await runOn(model, held), await runOn(half, held));
  t.log(`${sqnrDb.toFixed(1)} dB`);
  t.true(sqnrDb > 40, `${sqnrDb} dB`);
});

test('folding batch normalisations changes the output by rounding alone', async (t) => {
  const graph = foldConstants(graphOf(model));
  const folded = foldBatchNorms(graph);
  const count = (nodes: typeof graph.node) =>
    nodes.filter(({ opType }) => opType === 'BatchNormalization').length;
  t.true(count(graph.node) > 30);
  t.is(count(folded.node), 0);
  const { sqnrDb } = agreementOf(
    await runOn(model, held),
    await runOn(copyWith(model, { graph: folded }), held),
  );
  t.true(sqnrDb > 90, `${sqnrDb} dB`);
});
