/**
 * `npm run bench:accuracy`: compares int8 with our scales and pairs with onnxruntime's own static quantiser, on three networks.
 * Both use the same calibration tensors and the same ONNX Runtime. The test images come from other photos.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { collectStatistics } from '../../src/calibration/pass/calibrate.ts';
import type { Batch } from '../../src/data/preprocessing/batches.ts';
import { preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, foldConstants, graphOf, makeUntypedValueInfo } from '../../src/formats/onnx/graph.ts';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { type FloatTensor, openSession } from '../../src/graph/inference/session.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { raiseOpset } from '../../src/graph/transforms/raise-opset.ts';
import type { Algorithm } from '../../src/ground/contract/architectures.ts';
import { collect } from '../builders/collected.ts';
import { modelFile } from '../models/models.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';
import { type Case, cases, taskOf } from './cases.ts';
import { inputsOf, shapeOf } from './inputs.ts';
import { type Losses, largest, measureLosses, type Watched } from './losses.ts';
import { compareRanges } from './ranges.ts';
import { listFiles, textPicturesFolder } from './text-pictures.ts';

type Trial = {
  readonly of: Case;
  readonly watched: Watched;
  readonly calibration: readonly string[];
  readonly test: readonly string[];
  /** Class of a test image, if known. */
  readonly label?: (path: string) => number;
};

const photos = await photosFolder();
const written = await textPicturesFolder();

/** Crops of the first three photos are for calibration, crops of the others for the test. */
const halves = (paths: readonly string[]): readonly [string[], string[]] => [
  paths.slice(0, paths.length / 2),
  paths.slice(paths.length / 2),
];
/** Every n-th image. */
const spread = (paths: readonly string[], count: number): string[] =>
  paths.filter(
    (_, i) => Math.floor((i * count) / paths.length) !== Math.floor(((i - 1) * count) / paths.length),
  );

const [seenPhotos, otherPhotos] = halves(listFiles(photos));
const [seenLines, otherLines] = halves(listFiles(join(written, 'lines')));
const [seenPages, otherPages] = halves(listFiles(join(written, 'pages')));

const classifier: Case = {
  title: 'C: text orientation, MobileNetV3, 48×192',
  file: async () => modelFile('classifier'),
  input: 'input_1',
  layout: 'NCHW',
  height: 48,
  width: 192,
  preprocessing: preprocessingOf('classification', 3),
};

const trials: readonly Trial[] = [
  {
    of: cases.resnet,
    watched: { feature: 'pool/AvgPool:0', logits: 'fc_nsfw/BiasAdd:0', output: 'outputs' },
    calibration: spread(seenPhotos, 35),
    test: otherPhotos,
  },
  {
    of: { ...cases.detector, title: 'B: text detector, 320²', height: 320, width: 320 },
    watched: { feature: 'batch_norm_1.tmp_4', logits: 'p2o.Add.281', output: 'sigmoid_0.tmp_0' },
    calibration: spread(seenPages, 16),
    test: spread(otherPages, 24),
  },
  {
    of: classifier,
    watched: { feature: 'p2o.GlobalAveragePool.19', logits: 'p2o.Add.87', output: 'predictions/Softmax' },
    calibration: spread(seenLines, 35),
    test: otherLines,
    label: (path) => (path.endsWith('_180.png') ? 1 : 0),
  },
];

/** Opset 13, which both quantisers need. */
const prepareModel = async ({ of, watched }: Trial): Promise<ModelProto> => {
  const model = await readModelFile(await of.file());
  const graph = foldConstants(graphOf(model));
  const named = new Set(graph.output.map(({ name }) => name));
  const more = [watched.feature, watched.logits].filter((name) => !named.has(name)).map(makeUntypedValueInfo);
  return raiseOpset(copyWith(model, { graph: copyWith(graph, { output: [...graph.output, ...more] }) }));
};

type Outputs = Readonly<Record<string, FloatTensor>>;

const outputsOf = async (
  model: Uint8Array | string,
  input: string,
  images: readonly Batch[],
): Promise<Outputs[]> => {
  const session = await openSession(model);
  const all: Outputs[] = [];
  for (const image of images) all.push(await session.run({ [input]: image }));
  await session.release();
  return all;
};

const algorithms = ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const satisfies readonly Algorithm[];
const peerMethods = ['MinMax', 'Entropy', 'Percentile'] as const;

type Row = { readonly title: string; readonly losses: Losses; readonly correct: number | undefined };

const rowsOf = async (trial: Trial): Promise<readonly Row[]> => {
  const { of, watched, label } = trial;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-accuracy-'));
  const task = await taskOf(of, trial.calibration);
  const model = await prepareModel(trial);
  const calibration = await collect(inputsOf(task));
  const test = await collect(inputsOf({ ...task, images: trial.test }));
  const float = await outputsOf(serializeModel(model), of.input, test);
  const row = async (title: string, quantised: Uint8Array | string): Promise<Row> => {
    const int8 = await outputsOf(quantised, of.input, test);
    const right =
      label && int8.filter((each, i) => largest(each[watched.output]!.data) === label(trial.test[i]!));
    return {
      title,
      losses: measureLosses(float, int8, watched),
      correct: right && right.length / test.length,
    };
  };
  const rows = [await row('float', serializeModel(model))];
  const source = join(folder, 'source.onnx');
  writeFileSync(source, serializeModel(model));
  const tensors = calibration.map(({ data, dims }, i) => {
    const path = join(folder, `${i}.pb`);
    writeFileSync(path, serializeTensor(tensorFromFloats(of.input, dims, data)));
    return path;
  });
  const statistics = await collectStatistics({
    model,
    input: of.input,
    shape: shapeOf(task),
    batches: (async function* () {
      yield* calibration;
    })(),
    progress: () => {},
    signal: new AbortController().signal,
  });
  const { tensors: shared, worst } = await compareRanges(statistics, [source, of.input, ...tensors]);
  process.stdout.write(
    `\n${of.title}: ranges of ${shared} tensors differ from onnxruntime's min-max by ${worst.toExponential(1)} at most\n`,
  );
  for (const algorithm of algorithms)
    rows.push(
      await row(`ours, ${algorithm}`, serializeModel(quantiseModel(model, scalesOf(statistics, algorithm)))),
    );
  for (const method of peerMethods) {
    const target = join(folder, `${method}.onnx`);
    await runPeer('quantise_static.py', [source, target, of.input, method, ...tensors]);
    rows.push(await row(`onnxruntime, ${method}`, target));
  }
  return rows;
};

const tableOf = (title: string, rows: readonly Row[]): string => {
  const head = `| ${title} | feature dB | logit RMSE | mean difference | agreement | correct |`;
  const lines = rows.map(({ title: name, losses, correct }) => {
    const { featureDb, logitRmse, meanDifference, agreement } = losses;
    const figures = [
      featureDb.toFixed(2),
      logitRmse.toFixed(4),
      meanDifference.toFixed(5),
      agreement.toFixed(4),
    ];
    return `| ${name} | ${figures.join(' | ')} | ${correct?.toFixed(4) ?? ''} |`;
  });
  return [head, '| --- | --- | --- | --- | --- | --- |', ...lines].join('\n');
};

const only = process.argv[2];
for (const trial of trials)
  if (only === undefined || trial.of.title.startsWith(only))
    process.stdout.write(`\n${tableOf(trial.of.title, await rowsOf(trial))}\n`);
