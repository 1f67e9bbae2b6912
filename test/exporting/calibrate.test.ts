/** Compares calibration with onnxruntime's own calibrator on the same tensors. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Statistics, scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { allThresholds } from '../../src/calibration/histograms/thresholds.ts';
import { type CalibrationRun, collectStatistics } from '../../src/calibration/pass/calibrate.ts';
import { type Batch, imageBatches } from '../../src/data/preprocessing/batches.ts';
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  foldConstants,
  graphOf,
  inputsOf,
  makeModel,
  makeValueInfo,
} from '../../src/formats/onnx/graph.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { inferTensorFacts } from '../../src/graph/inference/tensor-facts.ts';
import { isPlugin } from '../../src/graph/plugins/plugin-nodes.ts';
import { convertPlugins } from '../../src/graph/precision/precision.ts';
import { collect } from '../builders/collected.ts';
import { streamed } from '../builders/streamed.ts';
import { type DetectorName, detectorFile, detectorNames, modelFile } from '../models/models.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

const options = {
  size: { channels: 3, height: 48, width: 192 },
  preprocessing: preprocessingOf('classification', 3),
  batchSize: 4,
} as const;

const batches = async (): Promise<Batch[]> => {
  const { chosen } = await sampleImages(await photosFolder(), { batches: 2, batchSize: 4, seed: 1 });
  return collect(imageBatches(chosen, options));
};

const watch = { progress: () => {}, signal: new AbortController().signal };

const statisticsOf = async (list: readonly Batch[], run: Partial<CalibrationRun> = {}) =>
  collectStatistics({
    model: await readModelFile(modelFile('classifier')),
    input: 'input_1',
    shape: [1, 3, 48, 192],
    batches: streamed(list),
    ...watch,
    ...run,
  });

/** Computed once for all tests. */
const measured = batches().then(async (list) => ({ list, statistics: await statisticsOf(list) }));

test("ranges equal those of onnxruntime's min-max calibrator on the same tensors", async (t) => {
  const { list, statistics: ours } = await measured;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-calibrate-'));
  const paths = list.map(({ data, dims }, i) => {
    const path = join(folder, `${i}.pb`);
    writeFileSync(path, serializeTensor(tensorFromFloats('input_1', dims, data)));
    return path;
  });
  const theirs = (await runPeer('minmax_ranges.py', [
    modelFile('classifier'),
    'input_1',
    ...paths,
  ])) as Record<string, [number, number]>;
  const shared = [...ours.histograms.keys()].filter((name) => name in theirs);
  t.true(shared.length > 150, `${shared.length} tensors are in both`);
  for (const name of shared) {
    const [min, max] = theirs[name]!;
    const histogram = ours.histograms.get(name)!;
    const size = Math.max(Math.abs(min), Math.abs(max), 1e-6);
    t.true(Math.abs(histogram.min - min) <= 1e-5 * size, `${name}: min ${histogram.min}, theirs ${min}`);
    t.true(Math.abs(histogram.max - max) <= 1e-5 * size, `${name}: max ${histogram.max}, theirs ${max}`);
  }
});

test('scales are positive and finite, inputs first; several threads choose the same as one', async (t) => {
  const { statistics } = await measured;
  t.is(statistics.thresholds!.size, new Set(statistics.histograms.values()).size);
  for (const [histogram, thresholds] of statistics.thresholds!)
    t.deepEqual(thresholds, allThresholds(histogram));
  const scales = scalesOf(statistics, 'MinMax');
  t.true([...scales.values()].every((scale) => scale > 0 && Number.isFinite(scale)));
  t.is([...scales.keys()][0], 'input_1');
});

test('tensors without values do not end a calibration, and the order of tensors is the same for any number of threads', async (t) => {
  const sides = ['none', 'also none', 'some'];
  const model = makeModel({
    name: 'without-values',
    opset: 13,
    inputs: [makeValueInfo('x', elementType.float32, [1, 3, 2, 2])],
    outputs: sides.map((name) => makeValueInfo(name, elementType.float32, undefined)),
    initializers: [tensorFromInt64s('zero', [1], [0]), tensorFromInt64s('one', [1], [1])],
    nodes: [
      makeNode('Slice', { inputs: ['x', 'zero', 'zero', 'one'], outputs: ['none'] }),
      makeNode('Sigmoid', { inputs: ['none'], outputs: ['also none'] }),
      makeNode('Sigmoid', { inputs: ['x'], outputs: ['some'] }),
    ],
  });
  const batch: Batch = { data: new Float32Array(24).fill(1), dims: [2, 3, 2, 2], paths: ['a', 'b'] };
  for (const threads of [1, 2, 3]) {
    const run = { model, input: 'x', shape: [1, 3, 2, 2], threads } as const;
    const { histograms, thresholds } = await statisticsOf([batch], run);
    t.deepEqual([...histograms.keys()], ['x', ...sides]);
    t.deepEqual(
      [...histograms.values()].map((each) => [each.total, thresholds!.get(each)!.MinMax]),
      [
        [24, 1],
        [0, 0],
        [0, 0],
        [24, Math.fround(1 / (1 + Math.exp(-1)))],
      ],
    );
  }
});

test('an activation that becomes NaN is an error that names tensor and image', async (t) => {
  const [first] = (await measured).list;
  const data = first!.data.slice().fill(Number.NaN, 0, 10);
  const error = await t.throwsAsync(statisticsOf([{ ...first!, data }], { threads: 1 }));
  t.regex(error.message, /tensor input_1 became NaN on /);
  t.true(error.message.includes(first!.paths[0]!));
});

const exp = (from: string, to: string) => makeNode('Exp', { inputs: [from], outputs: [to] });

/** `twice` is infinite for numbers from 5; on request a product reads it. */
const steep = (isRead: boolean): ModelProto =>
  makeModel({
    name: 'steep',
    opset: 13,
    inputs: [makeValueInfo('input_1', 1, ['N', 1, 1, 2])],
    outputs: [makeValueInfo(isRead ? 'product' : 'twice', 1, undefined)],
    initializers: isRead ? [tensorFromFloats('weight', [2, 2], Float32Array.of(1, 2, 3, 4))] : [],
    nodes: [
      exp('input_1', 'once'),
      exp('once', 'twice'),
      ...(isRead ? [makeNode('MatMul', { inputs: ['twice', 'weight'], outputs: ['product'] })] : []),
    ],
  });

const onSteepImages = (model: ModelProto, keepFloat: readonly string[] = []): Promise<Statistics> => {
  const image = (value: number, path: string): Batch => ({
    data: Float32Array.of(value, 0),
    dims: [1, 1, 1, 2],
    paths: [path],
  });
  const batches = (async function* () {
    yield* [image(1, 'mild.jpg'), image(9, 'steep.jpg'), image(99, 'steeper.jpg'), image(2, 'last.jpg')];
  })();
  const shape = [1, 1, 1, 2] as const;
  return collectStatistics({ model, input: 'input_1', shape, batches, threads: 2, keepFloat, ...watch });
};

test('a tensor that needs a scale and becomes infinite is named, with the first such image and the remedy', async (t) => {
  const error = await t.throwsAsync(onSteepImages(steep(true)));
  t.regex(
    error.message,
    /tensor twice became infinite on steep\.jpg, and it needs a scale, since product would/,
  );
  t.regex(error.message, /⟨keepFloat⟩: product/);
});

test('an infinite tensor without int8 readers has no scale, and its first image is recorded', async (t) => {
  for (const statistics of [
    await onSteepImages(steep(false)),
    await onSteepImages(steep(true), ['product']),
  ]) {
    t.is(statistics.infinite.get('twice'), 'steep.jpg');
    t.deepEqual([...statistics.histograms.keys()].slice(0, 1), ['input_1']);
    t.false(statistics.histograms.has('twice'));
    t.is(statistics.images, 4);
  }
});

const inputs = { classifier: [48, 192], detectnet_v2: [160, 256] } as const;

for (const name of [...detectorNames, 'classifier', 'detectnet_v2'] as const)
  test(`every float tensor that TensorRT would look up has a scale: ${name}`, async (t) => {
    const [height, width] = name in inputs ? inputs[name as keyof typeof inputs] : [160, 192];
    const model = await readModelFile(detectorFile(name as DetectorName));
    const input = inputsOf(graphOf(model))[0]!.name;
    const shape = [1, 3, height, width] as const;
    const length = 3 * height * width;
    const data = Float32Array.from({ length }, (_, i) => 100 * Math.sin(i * i));
    const { histograms } = await collectStatistics({
      model,
      input,
      shape,
      batches: (async function* () {
        yield { data, dims: shape, paths: ['waves'] };
      })(),
      threads: 1,
      choosing: false,
      ...watch,
    });
    const graph = foldConstants(graphOf(model));
    const plugins = new Set(graph.node.filter(isPlugin).flatMap(({ output }) => output));
    const float = await floatTensors(model, { input, shape });
    const missing = [input, ...graph.node.flatMap(({ output }) => output)].filter(
      (each) => float.has(each) && !plugins.has(each) && !histograms.has(each),
    );
    t.deepEqual(missing, []);
    t.true(histograms.size > 20);
  });

/** Float tensors, as typed by ONNX Runtime, that depend on the image; engines know all others at build time. */
const floatTensors = async (
  model: ModelProto,
  { input, shape }: { readonly input: string; readonly shape: readonly number[] },
): Promise<ReadonlySet<string>> => {
  const runnable = convertPlugins(
    'NonMaxSuppression',
    copyWith(model, { graph: foldConstants(graphOf(model)) }),
  );
  const facts = await inferTensorFacts(runnable, { input, dims: shape });
  const seen = new Set([input]);
  for (const node of graphOf(runnable).node)
    if (node.opType !== 'Shape' && node.input.some((name) => seen.has(name)))
      for (const name of node.output) seen.add(name);
  return new Set([...seen].filter((name) => facts.get(name)?.elemType === elementType.float32));
};

test('a pass frees its batches', async (t) => {
  const copies = await collect(streamed((await measured).list));
  const given = (async function* () {
    yield* copies;
  })();
  await statisticsOf([], { batches: given, choosing: false });
  t.true(copies.length > 0 && copies.every(({ data }) => data.length === 0));
});
