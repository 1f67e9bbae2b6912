/** Exports of a model trained with quantisation, from the command line and in the pod of a ModelExport. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import type { ExportReport } from '../../src/export/report/report.ts';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { isQat } from '../../src/formats/onnx/graph.ts';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { aFolder } from '../builders/tool.ts';
import { runExport } from '../builders/tool-context.ts';
import { type QatModel, smallQatModel } from '../models/qat.ts';
import { photosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';
let qat: QatModel;
let photos: string;

test.before(async () => {
  [qat, photos] = await Promise.all([smallQatModel('int8'), photosFolder()]);
});

/** A folder, and `tlt-export` of a model into it. */
const aWorkplace = () => {
  const folder = aFolder(key);
  const at = (name: string) => join(folder, name);
  const run = (model: string, ...args: string[]) =>
    runExport(
      'classification',
      ...['-m', model, '--key_file', at('key.txt'), '-o', at('model.etlt')],
      ...['--cal_cache_file', at('cal.bin'), ...args],
    );
  return { at, run, files: () => readdirSync(folder).sort() };
};

const int8 = ['--data_type', 'int8'];
/** MinMax is the fastest method: it does not search. */
const images = () => [
  ...['--cal_image_dir', photos, '--batches', '2', '--batch_size', '4'],
  ...['--cal_algorithm', 'MinMax'],
];
const scalesIn = (path: string) => parseCalibrationCache(readFileSync(path, 'utf8')).scales;

/** The peer's result, in the form of cache and JSON. */
const expected = () =>
  new Map(Object.entries(qat.ranges).map(([name, range]) => [name, Math.fround(range / 127)]));

test('int8 needs no images: the cache has exactly the scales of training, and the .etlt is float', async (t) => {
  const { at, run } = aWorkplace();
  const { log } = await run(qat.path, ...int8, '--cal_json_file', at('cal.json'));
  const scales = scalesIn(at('cal.bin'));
  t.deepEqual(new Map([...scales].sort()), new Map([...expected()].sort()));
  t.is([...scales.keys()][0], 'input_1', 'inputs come first');
  t.deepEqual(JSON.parse(readFileSync(at('cal.json'), 'utf8')), { tensor_scales: qat.ranges });
  const { payload } = await decryptModel(readFileSync(at('model.etlt')), key);
  t.false(isQat(parseModel(payload)));
  t.true(log.includes('[INFO] Extracting scales generated during QAT'), log.join('\n'));
});

test('layers kept in float have their trained scales in the JSON but not in the cache', async (t) => {
  const { at, run } = aWorkplace();
  const given = [
    '--keep_float',
    'input_1',
    '--cal_histogram_file',
    at('h'),
    '--cal_json_file',
    at('cal.json'),
  ];
  const { log } = await run(qat.path, ...int8, ...given);
  t.regex(
    log.join('\n'),
    /\[WARNING\] The model was trained with quantisation: its own scales are used, and calibration is skipped/,
  );
  const left = new Map([...expected()].filter(([name]) => name !== 'input_1'));
  t.deepEqual(new Map([...scalesIn(at('cal.bin'))].sort()), new Map([...left].sort()));
  t.deepEqual(JSON.parse(readFileSync(at('cal.json'), 'utf8')), { tensor_scales: qat.ranges });
});

test('other data types do not use the scales, and the JSON has them if requested', async (t) => {
  const { at, run, files } = aWorkplace();
  await run(qat.path, '--data_type', 'fp16', '--cal_json_file', at('cal.json'));
  t.deepEqual(files(), ['cal.json', 'key.txt', 'model.etlt']);
});

test('--force_ptq writes the same cache as a calibration of the float graph', async (t) => {
  const [one, other] = [aWorkplace(), aWorkplace()];
  const { log } = await one.run(
    qat.path,
    '--force_ptq',
    ...int8,
    ...images(),
    '--cal_json_file',
    one.at('j'),
  );
  await other.run(qat.clean, ...int8, ...images());
  t.deepEqual(scalesIn(one.at('cal.bin')), scalesIn(other.at('cal.bin')));
  t.notDeepEqual(scalesIn(one.at('cal.bin')), expected());
  t.false(existsSync(one.at('j')), 'scales that are thrown away are not written either');
  t.true(
    log.some((line) => /^\[WARNING\] .*is not written/.test(line)),
    log.join('\n'),
  );
});

test('an existing cache is rejected for trained scales, and reused with a warning by --force_ptq', async (t) => {
  const { at, run, files } = aWorkplace();
  await run(qat.clean, ...int8, ...images(), '-o', at('first.etlt'));
  const error = await t.throwsAsync(run(qat.path, ...int8), { instanceOf: UserError });
  t.is(error.reason, 'OutputExists');
  t.regex(error.message, /cal\.bin exists.*--force_ptq/);
  t.deepEqual(files(), ['cal.bin', 'first.etlt', 'key.txt']);
  const { log } = await run(qat.path, ...int8, '--force_ptq', ...images());
  t.true(
    log.some((line) => line.startsWith('[WARNING] Calibration file exists')),
    log.join('\n'),
  );
});

test('given images are used to compare: the report shows the cost of int8, and the gate refuses', async (t) => {
  const { at, run, files } = aWorkplace();
  const gate = await t.throwsAsync(run(qat.path, ...int8, ...images(), '--min_agreement', '60'), {
    instanceOf: UserError,
  });
  t.is(gate.reason, 'AgreementTooLow');
  t.regex(gate.message, /scales are from training/);
  t.deepEqual(files(), ['key.txt']);
  const { log } = await run(qat.path, ...int8, ...images(), '--report', at('report.html'));
  const report = JSON.parse(readFileSync(at('report.json'), 'utf8')) as ExportReport;
  t.is(report.agreement!.images, 32);
  t.true(Number(report.agreement!.sqnrDb) > 5, `${report.agreement!.sqnrDb} dB`);
  t.regex(report.notes.join(), /quantisation-aware training/);
  t.true(
    log.some((line) => line.startsWith('[WARNING] The model was trained with quantisation')),
    log.join('\n'),
  );
});

test('an int8 engine for this CPU is built with the trained scales', async (t) => {
  const { at, run } = aWorkplace();
  await run(qat.path, ...int8, '--engine_file', at('engine.onnx'));
  t.true(isQat(parseModel(readFileSync(at('engine.onnx')))), 'it computes with integers');
});

test('a gate without images to compare on is refused', async (t) => {
  const { run } = aWorkplace();
  const error = await t.throwsAsync(run(qat.path, ...int8, '--min_agreement', '5'), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'Usage');
});

const task = (changes: Partial<ExportTask> = {}): ExportTask => ({
  architecture: 'classification',
  model: { uri: 'pvc://models/qat.onnx' },
  dataType: 'int8',
  calibration: { source: 'Model', batches: 2, batchSize: 4, algorithm: 'Entropy' },
  forcePtq: false,
  exportKey: 'k',
  folder: 'pvc://exports/out/k',
  ...changes,
});

/** The export container with folders as its mounts. */
const aPod = (model: string) => {
  const root = aFolder(key);
  mkdirSync(join(root, 'models'));
  mkdirSync(join(root, 'exports'));
  writeFileSync(join(root, 'models/qat.onnx'), readFileSync(model));
  const run = (changes?: Partial<ExportTask>) => runExportTask(task(changes), aTaskContext(root));
  return { run, folder: join(root, 'exports/out/k') };
};

test('a ModelExport uses the scales of the model, stores cache and JSON, and reports their origin', async (t) => {
  const { run, folder } = aPod(qat.path);
  const { calibrationCache } = await run();
  t.like(calibrationCache, { algorithm: 'Trained', batches: 0, images: 0, tensors: expected().size });
  t.deepEqual(
    new Map([...scalesIn(join(folder, 'calibration.cache'))].sort()),
    new Map([...expected()].sort()),
  );
  const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  t.true('calibration.json' in files && 'calibration.cache' in files, Object.keys(files).join());
});

test('a ModelExport of a float model without calibration data is refused', async (t) => {
  const error = await t.throwsAsync(aPod(qat.clean).run(), { instanceOf: UserError });
  t.is(error.reason, 'CalibrationSourceMissing');
  t.regex(error.message, /imageDirectory\.uri/);
});
