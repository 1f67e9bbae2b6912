/** Calibration beside onnxruntime's own calibrator, on the same tensors. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { scalesOf } from '../../src/calibration/statistics.ts';
import { foldConstants, graphOf } from '../../src/formats/onnx/graph.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { type Batch, imageBatches } from '../../src/preprocessing/batches.ts';
import { sampleImages } from '../../src/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/preprocessing/normalise.ts';
import { collectStatistics } from '../../src/worker/calibrate.ts';
import { collected } from '../builders/collected.ts';
import { modelFile } from '../models/models.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

const options = {
  size: { channels: 3, height: 48, width: 192 },
  preprocessing: preprocessingOf('classification', 3),
  batchSize: 4,
} as const;

const batches = async (): Promise<Batch[]> => {
  const { chosen } = await sampleImages(await photosFolder(), { batches: 4, batchSize: 4, seed: 1 });
  return collected(imageBatches(chosen, options));
};

const statisticsOf = async (list: readonly Batch[]) =>
  collectStatistics({
    model: await readModelFile(modelFile('classifier')),
    input: 'input_1',
    shape: [1, 3, 48, 192],
    batches: (async function* () {
      yield* list;
    })(),
    progress: () => {},
    signal: new AbortController().signal,
  });

test("ranges equal those of onnxruntime's min-max calibrator on the same tensors", async (t) => {
  const list = await batches();
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
  const ours = await statisticsOf(list);
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

test('every float tensor that a node reads or writes has a scale', async (t) => {
  const statistics = await statisticsOf((await batches()).slice(0, 1));
  const scales = scalesOf(statistics, 'MinMax');
  const graph = foldConstants(graphOf(await readModelFile(modelFile('classifier'))));
  const integers = new Set(
    graph.node
      .filter(({ opType }) => ['Shape', 'Slice', 'Concat', 'Cast'].includes(opType))
      .flatMap(({ output }) => output),
  );
  const missing = graph.node
    .flatMap(({ output }) => output)
    .filter((name) => !scales.has(name) && !integers.has(name));
  t.deepEqual(missing, []);
  t.true([...scales.values()].every((scale) => scale > 0 && Number.isFinite(scale)));
  t.is([...scales.keys()][0], 'input_1', 'inputs come first');
});

test('an activation that becomes NaN is an error that names tensor and image', async (t) => {
  const [first] = await batches();
  const data = first!.data.slice().fill(Number.NaN, 0, 10);
  const error = await t.throwsAsync(statisticsOf([{ ...first!, data }]));
  t.regex(error.message, /tensor input_1 became NaN or infinite/);
  t.true(error.message.includes(first!.paths[0]!));
});
