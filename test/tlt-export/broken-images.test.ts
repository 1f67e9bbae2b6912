/** `--max_broken`: how many broken images an export tolerates, and how they are replaced. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { failures } from '../../src/ground/base/failures.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aFolder, runTool, type ToolRun } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';
const photos = 24;

/** A folder with 24 photos and the given number of files that are not images. */
const aWorkplace = async (broken: number): Promise<string> => {
  const cwd = aFolder(key);
  writeFileSync(join(cwd, 'model.tlt'), await encryptTlt(await smallClassifier(), key, { workFactor: 4 }));
  mkdirSync(join(cwd, 'images'));
  const source = await smallPhotosFolder();
  for (const name of readdirSync(source).sort().slice(0, photos))
    cpSync(join(source, name), join(cwd, 'images', name));
  for (let i = 0; i < broken; i++) writeFileSync(join(cwd, 'images', `broken${i}.png`), 'not an image');
  return cwd;
};

const exportInt8 = (cwd: string, ...flags: string[]): Promise<ToolRun> => {
  const fixed = ['classification', '-m', 'model.tlt', '--key_file', 'key.txt', '--data_type', 'int8'];
  const images = ['--cal_image_dir', 'images', '--batches', '3', '--batch_size', '8'];
  return runTool('tlt-export', [...fixed, ...images, ...flags], { cwd });
};

test('broken images are logged and replaced, and the cache equals that of the valid images alone', async (t) => {
  const [mixed, sound] = [await aWorkplace(6), await aWorkplace(0)];
  const { code, stderr } = await exportInt8(mixed, '--max_broken', '0.25');
  t.is(code, 0, stderr);
  const left = stderr.match(/\[WARNING\].*Skipped: .*broken\d\.png/g) ?? [];
  t.true(left.length >= 1 && left.length <= 6, stderr);
  t.regex(stderr, /from 24 images/);
  t.is((await exportInt8(sound)).code, 0);
  t.is(readFileSync(join(mixed, 'cal.bin'), 'utf8'), readFileSync(join(sound, 'cal.bin'), 'utf8'));
});

for (const flags of [[], ['--max_broken', '0.04']])
  test(`a broken image stops the export with ${flags.join(' ') || 'the default'}`, async (t) => {
    const { code, stderr } = await exportInt8(await aWorkplace(6), ...flags);
    t.is(code, failures.ImageInvalid.exitCode, stderr);
    t.regex(stderr, /broken\d\.png: its content is not JPEG/);
  });

test('too few valid images are reported as TooFewImages', async (t) => {
  const cwd = await aWorkplace(6);
  const { code, stderr } = await exportInt8(cwd, '--max_broken', '1', '--batches', '30', '--batch_size', '1');
  t.is(code, failures.TooFewImages.exitCode, stderr);
  t.regex(stderr, /Drawing 30 calibration images: too many are broken/);
});

for (const share of ['2', '-0.1', 'some', ' '])
  test(`'${share}' is refused as a value of --max_broken`, async (t) => {
    const { code, stderr } = await exportInt8(await aWorkplace(0), `--max_broken=${share}`);
    t.is(code, failures.Usage.exitCode, stderr);
    t.regex(stderr, /must be a number from 0 to 1/);
  });
