/** `--cal_data_file`: written from images, and read; calibration with it equals calibration with the images. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  type CalibrationSource,
  chooseCalibrationSource,
} from '../../src/export/pipeline/calibration-source.ts';
import { writeTensorfile } from '../../src/formats/hdf5/tensorfile-writer.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { runPeer } from '../peers/venv.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';
const base = ['classification', '-m', 'model.tlt', '--key_file', 'key.txt', '--data_type', 'int8'];
const size = ['--batches', '3', '--batch_size', '5'];
const fromFile = ['--cal_data_file', 'calibration.tensor'];
let photos: string;
let cwd: string;
/** The cache of the tensorfile that the first test writes. */
let ours: string | undefined;
let runs = 0;

/** Each export has its own output and cache. */
const exportInt8 = async (...args: string[]) => {
  runs += 1;
  const cache = join(cwd, `${runs}.cache`);
  const named = ['-o', `${runs}.etlt`, '--cal_cache_file', cache];
  const ran = await runTool('tlt-export', [...base, ...named, ...args], { cwd });
  return { ...ran, cache: existsSync(cache) ? readFileSync(cache, 'utf8') : undefined };
};

test.before(async () => {
  photos = await smallPhotosFolder();
  cwd = aFolder(key);
  writeFileSync(join(cwd, 'model.tlt'), await encryptTlt(await smallClassifier(), key, { workFactor: 4 }));
});

test.serial(
  'images, the tensorfile written from them, and that file read again give the same cache, byte for byte',
  async (t) => {
    const direct = await exportInt8('--cal_image_dir', photos, ...size);
    const made = await exportInt8('--cal_image_dir', photos, ...fromFile, ...size);
    t.is(made.code, 0, made.stderr);
    t.regex(made.stderr, /Calibration tensorfile was saved into calibration\.tensor$/m);
    const read = await exportInt8(...fromFile, ...size);
    t.is(read.code, 0, read.stderr);
    t.truthy(direct.cache);
    t.is(made.cache, direct.cache);
    t.is(read.cache, direct.cache);
    ours = read.cache;
  },
);

test.serial(
  'the same batches in a file written by h5py give the same cache, in float32 and in float64',
  async (t) => {
    const types = ['float32', 'float64'];
    const copies = types.flatMap((type) => [type, join(cwd, `${type}.tensor`)]);
    await runPeer('tensorfiles.py', ['copy', join(cwd, 'calibration.tensor'), ...copies]);
    for (const type of types) {
      const theirs = await exportInt8('--cal_data_file', `${type}.tensor`, ...size);
      t.is(theirs.code, 0, theirs.stderr);
      t.is(theirs.cache, ours);
    }
  },
);

test.serial('an existing tensorfile is not written again, and no other file is left', async (t) => {
  const before = readFileSync(join(cwd, 'calibration.tensor'));
  const names = readdirSync(cwd);
  const { code, stderr } = await exportInt8('--cal_image_dir', photos, ...fromFile, ...size);
  t.is(code, failures.OutputExists.exitCode);
  t.regex(stderr, /Omit --cal_image_dir to calibrate from it/);
  t.true(before.equals(readFileSync(join(cwd, 'calibration.tensor'))));
  t.deepEqual(readdirSync(cwd), names);
});

test.serial(
  'a request for more rows than are stored is refused, and the message names the batch',
  async (t) => {
    const { code, stderr, cache } = await exportInt8(...fromFile, '--batches', '3', '--batch_size', '6');
    t.is(code, failures.TensorfileInvalid.exitCode);
    t.regex(stderr, /batch 0 holds 5 images, but --batch_size takes 6/);
    t.is(cache, undefined);
  },
);

test.serial('a truncated tensorfile, or one of another model, is refused', async (t) => {
  const whole = readFileSync(join(cwd, 'calibration.tensor'));
  writeFileSync(join(cwd, 'half.tensor'), whole.subarray(0, whole.length / 2));
  async function* small() {
    yield { data: new Float32Array(5 * 3 * 8 * 8), dims: [5, 3, 8, 8] as const, paths: [] };
  }
  await writeTensorfile(join(cwd, 'small.tensor'), small());
  for (const [file, says] of [
    ['half.tensor', /half\.tensor: HDF5 cannot read it: it is truncated/],
    [
      'small.tensor',
      /small\.tensor: the images of batch 0 have the shape \(3, 8, 8\); the model takes \(3, \d+, \d+\)/,
    ],
  ] as const) {
    const { code, stderr, cache } = await exportInt8(
      ...['--cal_data_file', file, '--batches', '1', '--batch_size', '5'],
    );
    t.is(code, failures.TensorfileInvalid.exitCode);
    t.regex(stderr, says);
    t.is(cache, undefined);
  }
});

test.serial('--min_agreement with a tensorfile is refused before any work', async (t) => {
  const { code, stderr, cache } = await exportInt8(...fromFile, ...size, '--min_agreement', '20');
  t.is(code, failures.Usage.exitCode);
  t.regex(stderr, /needs held-out images, and a tensorfile has none/);
  t.is(cache, undefined);
});

test.serial('a report of a calibration from a tensorfile names the file', async (t) => {
  const { code, stderr } = await exportInt8(...fromFile, ...size, '--report', 'report.html');
  t.is(code, 0, stderr);
  t.regex(readFileSync(join(cwd, 'report.json'), 'utf8'), /calibration\.tensor/);
});

const training: CalibrationSource = {
  kind: 'Loader',
  name: 'spec.txt',
  plan: {} as never,
  dataRoot: undefined,
};
const decides = test.macro({
  exec: (
    t,
    [tensorfile, tensorfileExists, imageFolder, loader]: [
      string | undefined,
      boolean,
      string | undefined,
      boolean?,
    ],
    kind,
  ) => {
    t.is(
      chooseCalibrationSource({
        tensorfile,
        tensorfileExists,
        imageFolder,
        loader: loader ? () => training : undefined,
      })?.kind,
      kind as never,
    );
  },
  title: (_given, flags: readonly unknown[], kind) =>
    `tensorfile, exists, images, spec: ${flags.join(', ')} → ${kind}`,
});
test(decides, [undefined, false, undefined], undefined);
test(decides, [undefined, false, 'images'], 'Images');
test(decides, ['file', true, undefined], 'Tensorfile');
test(decides, ['file', false, 'images'], 'TensorfileOfImages');
test(decides, [undefined, false, undefined, true], 'Loader');
test(decides, [undefined, false, 'images', true], 'Images');
test(decides, ['file', true, undefined, true], 'Tensorfile');
