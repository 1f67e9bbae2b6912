/** Calibrations that are stored, split into parts and merged: the caches must be equal bit for bit. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { FileDescription } from '../../src/adapters/inspect/inspect.ts';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { collectStatistics } from '../../src/calibration/pass/calibrate.ts';
import { type Batch, imageBatches } from '../../src/data/preprocessing/batches.ts';
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import type { ExportReport } from '../../src/export/report/report.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache, writeCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import {
  type CountedSample,
  type HistogramFile,
  writeHistogramFile,
} from '../../src/formats/scales/histogram-file.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { histogramOf } from '../builders/histogram.ts';
import { aFolder } from '../builders/tool.ts';
import { runExport, runModel } from '../builders/tool-context.ts';
import { modelFile } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { photosFolder, smallPhotosFolder } from '../photos/photos.ts';

const small = join(aFolder(), 'small.onnx');
test.before(async () => writeFileSync(small, await smallClassifier()));

const images = 11;

/** The cache text of one calibration. */
const cacheOf = async (batchSize: number, threads: number): Promise<string> => {
  const { chosen } = await sampleImages(await smallPhotosFolder(), {
    batches: images,
    batchSize: 1,
    seed: 5,
  });
  const batches: AsyncIterable<Batch> = imageBatches(chosen, {
    size: { channels: 3, height: 32, width: 32 },
    preprocessing: preprocessingOf('classification', 3),
    batchSize,
  });
  const statistics = await collectStatistics({
    model: await readModelFile(small),
    input: 'input_1',
    shape: [1, 3, 32, 32],
    batches,
    threads,
    progress: () => {},
    signal: new AbortController().signal,
  });
  return writeCalibrationCache({
    version: 8601,
    algorithmWord: 'EntropyCalibration2',
    scales: scalesOf(statistics, 'Entropy'),
  });
};

test('batches of 1, 3 and 8 images on 1, 2 and 4 threads give one cache', async (t) => {
  const first = await cacheOf(1, 1);
  t.true(parseCalibrationCache(first).scales.size > 20);
  for (const [batchSize, threads] of [
    [3, 2],
    [8, 4],
  ] as const)
    t.is(await cacheOf(batchSize, threads), first, `batches of ${batchSize}, ${threads} threads`);
});

type Module = 'classification' | 'detectnet_v2';
const base = (cwd: string, module: Module = 'classification') => [
  module,
  ...['-m', module === 'classification' ? small : modelFile(module), '--key_file', join(cwd, 'key.txt')],
];
const int8 = async (cwd: string, cache: string, module?: Module) => [
  ...base(cwd, module),
  ...['-o', join(cwd, `${cache}.etlt`), '--data_type', 'int8', '--cal_cache_file', join(cwd, cache)],
];
const drawn = async (module: Module = 'classification') => [
  ...['--cal_image_dir', await (module === 'classification' ? smallPhotosFolder() : photosFolder())],
  ...['--batches', '3', '--batch_size', '5'],
];

/** Calibration of a detector, once for all tests: the cache `all` and the histograms `all.hist`. */
const countedDetector = async (): Promise<string> => {
  const cwd = aFolder();
  const histograms = ['--cal_histogram_file', join(cwd, 'all.hist')];
  await runExport(
    ...(await int8(cwd, 'all', 'detectnet_v2')),
    ...(await drawn('detectnet_v2')),
    ...histograms,
  );
  return cwd;
};
let counted: ReturnType<typeof countedDetector> | undefined;
const onceCounted = () => (counted ??= countedDetector());

test('the sum of separately counted parts equals the whole bit for bit, and serves every algorithm', async (t) => {
  const cwd = aFolder();
  const at = (name: string) => join(cwd, name);
  const parts = ['1/2', '2/2'].map(async (part, i) => {
    const { log } = await runExport(
      ...base(cwd),
      ...['--data_type', 'int8', '--cal_part', part, '--cal_histogram_file', at(`${i}.hist`)],
      ...(await drawn()),
    );
    t.regex(log.join('\n'), new RegExp(`from ${8 - i} images \\(part ${i + 1} of 2\\) were saved`));
  });
  await Promise.all(parts);
  await runExport(
    ...(await int8(cwd, 'whole')),
    ...(await drawn()),
    '--cal_histogram_file',
    at('whole.hist'),
  );
  const merge = (...names: string[]) => runModel('merge-histograms', ...names.map(at), '-o', at('sum.hist'));
  await merge('1.hist', '0.hist');
  t.deepEqual(readFileSync(at('sum.hist')), readFileSync(at('whole.hist')));

  const { log } = await runExport(...(await int8(cwd, 'sum')), '--cal_histogram_file', at('sum.hist'));
  t.is(readFileSync(at('sum'), 'utf8'), readFileSync(at('whole'), 'utf8'));
  t.regex(log.join('\n'), /\[WARNING\] Histograms of 15 images exist at .*no image was read/);

  const other = ['--cal_algorithm', 'Mse'];
  await runExport(...(await int8(cwd, 'sum-mse')), '--cal_histogram_file', at('sum.hist'), ...other);
  await runExport(...(await int8(cwd, 'mse')), ...(await drawn()), ...other);
  t.is(readFileSync(at('sum-mse'), 'utf8'), readFileSync(at('mse'), 'utf8'));
  t.not(readFileSync(at('mse'), 'utf8'), readFileSync(at('whole'), 'utf8'));
});

const invalid = (message: RegExp) => ({ instanceOf: UserError, message: message });

test('files that cannot be merged are refused by name, and nothing is written', async (t) => {
  const cwd = aFolder();
  const at = (name: string) => join(cwd, name);
  const file = (changes: Partial<HistogramFile>, sample: Partial<CountedSample> = {}): Uint8Array =>
    writeHistogramFile({
      modelSha256: 'aa'.repeat(32),
      samples: [
        { dataSha256: 'bb'.repeat(32), seed: 1, drawn: 9, part: 1, of: 1, images: 9, consumed: 0, ...sample },
      ],
      histograms: new Map([['x', histogramOf([1, 2])]]),
      ...changes,
    });
  writeFileSync(at('whole'), file({}));
  writeFileSync(at('third'), file({}, { part: 1, of: 3, images: 3 }));
  writeFileSync(at('foreign'), file({ modelSha256: 'cc'.repeat(32) }));
  writeFileSync(at('later'), file({ histograms: new Map([['y', histogramOf([1])]]) }));
  writeFileSync(at('short'), file({}).subarray(0, 40));
  const merge = (...names: string[]) => runModel('merge-histograms', ...names.map(at), '-o', at('sum'));
  await t.throwsAsync(merge('whole', 'whole'), invalid(/whole and .*whole count the same images/));
  await t.throwsAsync(merge('third', 'whole'), invalid(/third and .*whole count the same images/));
  await t.throwsAsync(merge('whole', 'foreign'), invalid(/foreign is of model cccccccccccc… with 1/));
  await t.throwsAsync(merge('whole', 'later'), invalid(/of model aaaaaaaaaaaa/));
  await t.throwsAsync(merge('whole', 'short'), invalid(/short: .*checksum does not match/));
  await t.throwsAsync(merge('whole', 'nowhere'), invalid(/nowhere: ENOENT/));
  t.false(existsSync(at('sum')));
});

test('requests that histograms cannot serve are refused before any work', async (t) => {
  const cwd = aFolder();
  const at = (name: string) => join(cwd, name);
  const foreign = { modelSha256: 'aa'.repeat(32), samples: [], histograms: new Map() };
  writeFileSync(at('foreign.hist'), writeHistogramFile(foreign));
  const refused = async (message: RegExp, ...args: string[]) =>
    t.throwsAsync(runExport(...args), invalid(message));
  const run = await int8(cwd, 'cal.bin');
  await refused(/they belong to the model aaaaaaaaaaaa…/, ...run, '--cal_histogram_file', at('foreign.hist'));
  await refused(
    /--cal_part requires --data_type int8, and --cal_histogram_file/,
    ...run,
    '--cal_part',
    '1/2',
  );
  for (const part of ['0/2', '3/2', '1/81', 'half'])
    await refused(/must be I\/N/, ...run, '--cal_part', part, '--cal_histogram_file', at('new.hist'));
  await refused(/is taken|exists/, ...run, '--cal_part', '1/2', '--cal_histogram_file', at('foreign.hist'));
  writeFileSync(at('cal.bin'), 'TRT-8601-EntropyCalibration2\n');
  await refused(/the histograms .* would not be used/, ...run, '--cal_histogram_file', at('foreign.hist'));
  t.false(existsSync(at('cal.bin.etlt')));
});

test('held-out images of histograms are used for the accuracy gate if their folder is given again', async (t) => {
  const cwd = await onceCounted();
  const hist = ['--cal_histogram_file', join(cwd, 'all.hist')];
  const report = ['--sensitivity', '--report', join(cwd, 'r.html')];
  const { log } = await runExport(
    ...(await int8(cwd, 'again', 'detectnet_v2')),
    ...(await drawn('detectnet_v2')),
    ...hist,
    ...report,
  );
  t.regex(log.join('\n'), /Worst layers, each alone in int8: block0\/short with/);
  const { calibration, agreement, thumbnails, sensitivity } = JSON.parse(
    readFileSync(join(cwd, 'r.json'), 'utf8'),
  ) as ExportReport;
  t.is(calibration!.images, 15);
  t.is(agreement!.images, 32);
  t.is(sensitivity!.sqnrDb, agreement!.sqnrDb);
  t.is(sensitivity!.layers.length, 10);
  t.is(thumbnails.length, 6);
  const { log: other } = await runExport(
    ...(await int8(cwd, 'other', 'detectnet_v2')),
    ...(await drawn('detectnet_v2')),
    ...hist,
    ...['--seed', '7', '--keep_float', 'block0/b', '--report', join(cwd, 'other.html')],
  );
  t.regex(other.join('\n'), /were counted on other data than .* with this --batches, --batch_size/);
  const found = JSON.parse(readFileSync(join(cwd, 'other.json'), 'utf8')) as ExportReport;
  t.deepEqual(found.notes.slice(0, 1), ['Kept in float, and therefore without scales: block0/b.']);
  t.is(found.agreement, undefined, 'the held-out images are unknown');
  const gated = [...(await int8(cwd, 'gated', 'detectnet_v2')), ...hist, '--min_agreement', '3'];
  await t.throwsAsync(runExport(...gated), invalid(/Set the --cal_image_dir, --batches/));
});

test('layers kept in float have no scale in the cache, whether from images or from histograms', async (t) => {
  const cwd = await onceCounted();
  const detector = (cache: string) => int8(cwd, cache, 'detectnet_v2');
  const hist = ['--cal_histogram_file', join(cwd, 'all.hist')];
  const some = [...(await detector('some')), ...(await drawn('detectnet_v2'))];
  const unknown = invalid(/'blok0\/b'.*the nearest is 'block0\/b'/);
  await t.throwsAsync(runExport(...some, '--keep_float', 'blok0/b'), unknown);
  const kept = ['--keep_float', 'block0/b, head/*'];
  const { log } = await runExport(...some, ...kept);
  t.regex(
    log.join('\n'),
    /Kept in float: block0\/b, head\/Conv, head\/Relu\. 3 tensors have no scale: block0\/a/,
  );
  await runExport(...(await detector('same')), ...hist, ...kept);
  const scalesIn = (name: string) => parseCalibrationCache(readFileSync(join(cwd, name), 'utf8')).scales;
  const lost = [...scalesIn('all').keys()].filter((name) => !scalesIn('some').has(name));
  t.deepEqual(lost, ['block0/a/Relu', 'block2/Relu', 'head/Conv']);
  t.deepEqual(scalesIn('same'), scalesIn('some'));

  const again = some.map((word) => word.replace('.etlt', '2.etlt'));
  await t.throwsAsync(runExport(...again), invalid(/another --keep_float/));
  await t.throwsAsync(
    runExport(...again, '--keep_float', 'block*, head/*'),
    invalid(/it has a scale for .*, which --keep_float excludes/),
  );
  await t.notThrowsAsync(runExport(...again, ...kept));
});

test('tlt-model inspect describes a histogram file', async (t) => {
  const file = join(aFolder(), 'some.hist');
  const sample = {
    dataSha256: 'bb'.repeat(32),
    seed: 42,
    drawn: 80,
    part: 2,
    of: 4,
    images: 20,
    consumed: 0,
  };
  const histograms = new Map([['conv', histogramOf([-1.5, 0, 2])]]);
  writeFileSync(file, writeHistogramFile({ modelSha256: 'aa'.repeat(32), samples: [sample], histograms }));
  const printed = async (...words: string[]) => (await runModel('inspect', file, ...words)).printed;
  const text = await printed();
  t.regex(text, /format +histograms of a calibration/);
  t.regex(text, /images +20 of 80, seed 42, part 2 of 4/);
  t.regex(text, /conv {2}-1\.5 … 2, 3 values/);
  const { histograms: found } = JSON.parse(await printed('--json')) as Pick<FileDescription, 'histograms'>;
  t.deepEqual(found, {
    modelSha256: 'aa'.repeat(32),
    samples: [sample],
    tensors: [{ name: 'conv', min: -1.5, max: 2, values: 3 }],
  });
});
