/** `tlt-export --report`: the page and its JSON file, and errors of the user. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExportReport } from '../../src/export/report/report.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { photosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';
const small = join(aFolder(), 'small.onnx');
test.before(async () => writeFileSync(small, await smallClassifier()));

const base = ['classification', '-m', small, '--key_file', 'key.txt', '-o', 'm.etlt'];
const int8 = async (images?: string) => [
  ...['--data_type', 'int8', '--cal_image_dir', images ?? (await photosFolder())],
  ...['--batches', '2', '--batch_size', '4'],
];

const exportWithReport = async (...args: string[]) => {
  const cwd = aFolder(key);
  const ran = await runTool('tlt-export', [...base, '--report', 'r.html', ...args], { cwd });
  return { ...ran, cwd };
};

const calibration = async () => exportWithReport(...(await int8()));
let calibrated: ReturnType<typeof calibration> | undefined;
/** One int8 export, shared by the tests that read its output. */
const exportOnce = () => (calibrated ??= calibration());

const readReport = (cwd: string): ExportReport =>
  JSON.parse(readFileSync(join(cwd, 'r.json'), 'utf8')) as ExportReport;

test('the report of an int8 export has the scales of its cache and the digests of its files', async (t) => {
  const { code, stderr, cwd } = await exportOnce();
  t.is(code, 0, stderr);
  t.regex(stderr, /Report was saved into r\.html, its figures into r\.json$/m);
  const report = readReport(cwd);
  const { scales } = parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8'));
  const reportedScales = new Map(report.calibration!.tensors.map(({ name, scale }) => [name, scale]));
  t.deepEqual([...reportedScales].sort(), [...scales].sort());
  for (const { name, sha256: digest, sizeBytes } of report.files) {
    const bytes = readFileSync(join(cwd, name));
    t.deepEqual([sha256(bytes), bytes.length], [digest, sizeBytes], name);
  }
  t.deepEqual(
    report.files.map(({ name }) => name),
    ['cal.bin', 'm.etlt'],
  );
  t.is(report.agreement!.images, 32);
  t.is(report.thumbnails.length, 6);
  t.is(report.notes.length, 1, 'the classifier is narrow, and the report says so');
  t.regex(
    report.notes[0]!,
    /^1 of 8 layers compute in int8, less than 1 % of the arithmetic; in float: 7 are too narrow/,
  );
  t.like(report.int8, { layers: 8, int8Layers: 1 });
  t.true(report.latency!.int8Microseconds > 0);
});

test('neither the page nor the JSON file contains the key, and the page has no URL', async (t) => {
  const { cwd } = await exportOnce();
  const page = readFileSync(join(cwd, 'r.html'), 'utf8');
  for (const text of [page, readFileSync(join(cwd, 'r.json'), 'utf8')]) t.false(text.includes(key));
  const addresses = page
    .replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')
    .match(/https?:|(src|href)=["']?\/\/|url\(|@import/gi);
  t.is(addresses, null);
});

test('if calibration used every image, the report says why nothing was compared', async (t) => {
  const eight = aFolder();
  const photos = await photosFolder();
  for (const name of readdirSync(photos).slice(0, 8)) cpSync(join(photos, name), join(eight, name));
  const { code, stderr, cwd } = await exportWithReport(...(await int8(eight)));
  t.is(code, 0, stderr);
  const { agreement, notes } = readReport(cwd);
  t.is(agreement, undefined);
  t.regex(notes.join('\n'), /Calibration used every image/);
});

test('the report of an fp32 export says that nothing was calibrated', async (t) => {
  const { code, cwd } = await exportWithReport();
  t.is(code, 0);
  const report = readReport(cwd);
  t.is(report.calibration, undefined);
  t.deepEqual(report.notes, ['No calibration: the export is for fp32.']);
});

test('the report of an export that reuses a cache says that there are no tensor statistics', async (t) => {
  const first = await exportOnce();
  const cwd = aFolder(key);
  writeFileSync(join(cwd, 'cal.bin'), readFileSync(join(first.cwd, 'cal.bin')));
  const args = [...base, '--report', 'r.html', ...(await int8())];
  const { code, stderr } = await runTool('tlt-export', args, { cwd });
  t.is(code, 0, stderr);
  t.regex(readReport(cwd).notes[0]!, /come from the existing calibration cache .*cal\.bin/);
});

for (const taken of ['r.html', 'r.json'])
  test(`an existing ${taken} is not overwritten, and nothing is exported`, async (t) => {
    const cwd = aFolder(key);
    writeFileSync(join(cwd, taken), 'mine');
    const { code, stderr } = await runTool('tlt-export', [...base, '--report', 'r.html'], { cwd });
    t.is(code, failures.OutputExists.exitCode, stderr);
    t.is(readFileSync(join(cwd, taken), 'utf8'), 'mine');
    t.deepEqual(readdirSync(cwd).sort(), ['key.txt', taken]);
  });

test('a report in a folder that does not exist is refused before any work', async (t) => {
  const { code, cwd } = await exportWithReport('--report', 'nowhere/r.html');
  t.is(code, failures.OutputUnwritable.exitCode);
  t.false(existsSync(join(cwd, 'm.etlt')));
});
