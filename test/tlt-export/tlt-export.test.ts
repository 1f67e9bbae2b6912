/** `tlt-export` on a real classifier and real photos, and the errors of users. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import { writtenWorkFactor } from '../../src/formats/crypto/age-passphrase.ts';
import { decryptModel, describeContainer } from '../../src/formats/crypto/encrypted-model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import { readableBytes } from '../../src/ground/base/readable.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aFolder, runProcess, runTool } from '../builders/tool.ts';
import { run } from '../cluster/run.ts';
import { modelFile } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { photosFolder, smallPhotosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';
const packModel = (model: Uint8Array): Promise<Uint8Array> => encryptTlt(model, key, { workFactor: 4 });
let photos: string;
let real: Uint8Array;
/** Makes calibration fast. */
let tlt: Uint8Array;

test.before(async () => {
  photos = await smallPhotosFolder();
  real = await packModel(await readFile(modelFile('classifier')));
  tlt = await packModel(await smallClassifier());
});

/** A folder with the key and the packed model. */
const aWorkplace = (model = tlt): string => {
  const folder = aFolder(key);
  writeFileSync(join(folder, 'model.tlt'), model);
  return folder;
};

const withoutKey = ['classification', '-m', 'model.tlt'];
const base = [...withoutKey, '--key_file', 'key.txt'];
const small = ['--batches', '2', '--batch_size', '8'];
/** MinMax is the fastest algorithm, because it has no search. */
const int8 = (algorithm = 'MinMax', images = photos) => [
  ...['--data_type', 'int8', '--cal_image_dir', images, ...small],
  ...['--cal_algorithm', algorithm],
];
const exportModel = (cwd: string, ...args: string[]) => runTool('tlt-export', [...base, ...args], { cwd });

test("an export logs TLT's own lines, and the .etlt opens to the same model", async (t) => {
  const cwd = aWorkplace(real);
  const env = { TLT_KEY_FILE: 'key.txt' };
  const { code, stderr, stdout } = await runProcess('tlt-export', withoutKey, { cwd, env });
  t.is(code, 0, stderr);
  t.regex(
    stderr,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[INFO\] iva\.common\.tlt-export: Loading model from model\.tlt$/m,
  );
  t.regex(stderr, /\[INFO\] iva\.common\.tlt-export: Converted model was saved into \.\/model\.etlt$/m);
  t.regex(stderr, /Input node: input_1$/m);
  t.regex(stderr, /Output node\(s\): \['predictions\/Softmax'\]$/m);
  t.is(stdout, '');
  const etlt = readFileSync(join(cwd, 'model.etlt'));
  t.is(describeContainer(readableBytes(etlt), 'etlt').workFactor, writtenWorkFactor);
  const { payload } = await decryptModel(etlt, key);
  t.true(Buffer.from(payload).equals(readFileSync(modelFile('classifier'))));
});

test('int8 below --min_agreement is refused, the message names the worst tensors, and nothing is written', async (t) => {
  const cwd = aWorkplace();
  const { code, stderr } = await exportModel(cwd, ...int8(), '--min_agreement', '60');
  t.is(code, failures.AgreementTooLow.exitCode, stderr);
  t.regex(
    stderr,
    /SQNR is \d+\.\d dB; the required minimum is 60 dB\. Worst tensors: \S+ \(-?\d+\.\d dB\), /,
  );
  t.regex(stderr, /Worst layers, each alone in int8: \S+ .*, and \d+\.\d dB with .* kept in float/);
  t.deepEqual(readdirSync(cwd).sort(), ['key.txt', 'model.tlt']);
});

test('int8 above --min_agreement is exported, and --engine_file adds an engine for this CPU', async (t) => {
  const cwd = aWorkplace(real);
  const asked = ['--min_agreement', '8', '--engine_file', 'engine.onnx'];
  const { code, stderr } = await exportModel(cwd, ...int8('Mse', await photosFolder()), ...asked);
  t.is(code, 0, stderr);
  t.true(readFileSync(join(cwd, 'engine.onnx')).length > 50_000);
  t.true(parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8')).scales.size > 100);
});

test('--min_agreement with an existing cache is refused, because no images were held out for it', async (t) => {
  const cwd = aWorkplace();
  writeFileSync(join(cwd, 'cal.bin'), 'TRT-8601-EntropyCalibration2\n');
  const { code, stderr } = await exportModel(cwd, ...int8(), '--min_agreement', '8');
  t.is(code, failures.OutputExists.exitCode, stderr);
});

test('the cache does not depend on the batch size', async (t) => {
  const caches: string[] = [];
  for (const [batches, size] of [
    ['8', '1'],
    ['1', '8'],
  ] as const) {
    const cwd = aWorkplace();
    const images = ['--cal_image_dir', photos, '--batches', batches, '--batch_size', size];
    const { code, stderr } = await exportModel(cwd, '--data_type', 'int8', ...images);
    t.is(code, 0, stderr);
    caches.push(readFileSync(join(cwd, 'cal.bin'), 'utf8'));
  }
  t.is(caches[0], caches[1]);
  t.regex(caches[0]!, /^TRT-8601-EntropyCalibration2\ninput_1: [0-9a-f]+\n/);
});

test('another seed selects other images', async (t) => {
  const [one, other] = [aWorkplace(), aWorkplace()];
  await exportModel(one, ...int8());
  await exportModel(other, ...int8(), '--seed', '1');
  t.not(readFileSync(join(one, 'cal.bin'), 'utf8'), readFileSync(join(other, 'cal.bin'), 'utf8'));
});

test('an existing cache is reused, with a warning', async (t) => {
  const cwd = aWorkplace();
  await exportModel(cwd, ...int8());
  const before = readFileSync(join(cwd, 'cal.bin'), 'utf8');
  const { code, stderr } = await exportModel(cwd, ...int8(), '-o', 'again.etlt', '--seed', '5');
  t.is(code, 0, stderr);
  t.regex(stderr, /\[WARNING\].*Calibration file exists at cal\.bin/);
  t.is(readFileSync(join(cwd, 'cal.bin'), 'utf8'), before);
});

test('the key is read from the file that an environment variable names, and from -k', async (t) => {
  const cwd = aWorkplace();
  const env = { TLT_KEY_FILE: 'key.txt' };
  t.is((await runTool('tlt-export', [...withoutKey, '-o', 'a.etlt'], { cwd, env })).code, 0);
  t.is((await runTool('tlt-export', [...withoutKey, '-o', 'b.etlt', '-k', key], { cwd })).code, 0);
});

test('--help names every flag with its default', async (t) => {
  const { code, stdout } = await runTool('tlt-export', ['--help']);
  t.is(code, 0);
  for (const flag of [
    '--cal_image_dir',
    '--max_workspace_size',
    '--force_ptq',
    '-s, --strict_type_constraints',
    'Default: 1073741824',
  ])
    t.true(stdout.includes(flag), flag);
});

test('a detector is fed RGB from 0 to 1, and its outputs are listed as by TLT', async (t) => {
  const cwd = aFolder(key);
  writeFileSync(join(cwd, 'detector.tlt'), await packModel(await readFile(modelFile('detectnet_v2'))));
  const flags = [
    'detectnet_v2',
    '-m',
    'detector.tlt',
    '--key_file',
    'key.txt',
    ...int8(),
    '--engine_file',
    'engine.onnx',
  ];
  const { code, stderr } = await runTool('tlt-export', flags, { cwd });
  t.is(code, 0, stderr);
  t.regex(stderr, /Output node\(s\): \['output_bbox\/BiasAdd', 'output_cov\/Sigmoid'\]$/m);
  const { scales } = parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8'));
  t.true(scales.get('input_1')! * 127 > 0.5 && scales.get('input_1')! * 127 <= 1, 'the input is in [0, 1]');
  t.true(readFileSync(join(cwd, 'engine.onnx')).length > 50_000);
});

type Wrong = {
  readonly reason: FailureReason;
  readonly says: RegExp;
  readonly prepare?: (cwd: string) => void | Promise<void>;
  readonly args: () => readonly string[];
};

const fails = test.macro<[Wrong]>({
  title: (title) => `refused: ${title}`,
  exec: async (t: ExecutionContext, { reason, says, prepare, args }: Wrong) => {
    const cwd = aWorkplace();
    await prepare?.(cwd);
    const before = readdirSync(cwd).sort();
    const { code, stderr } = await runTool('tlt-export', args(), { cwd });
    t.is(code, failures[reason].exitCode, stderr);
    t.regex(stderr, says);
    t.false(stderr.includes(key), 'the key is not in the message');
    t.deepEqual(readdirSync(cwd).sort(), before, 'no file is left');
  },
});

test('a wrong key', fails, {
  reason: 'WrongKey',
  says: /key/,
  prepare: (cwd) => writeFileSync(join(cwd, 'key.txt'), 'another'),
  args: () => base,
});
test('a missing key', fails, {
  reason: 'KeyMissing',
  says: /--key_file/,
  args: () => withoutKey,
});
test('a truncated model', fails, {
  reason: 'ModelInvalid',
  says: /truncated|altered|ends/,
  prepare: (cwd) => writeFileSync(join(cwd, 'model.tlt'), tlt.subarray(0, tlt.length / 2)),
  args: () => base,
});
test("a model in NVIDIA's own cipher", fails, {
  reason: 'ModelForeign',
  says: /NVIDIA.*ONNX/s,
  prepare: (cwd) => {
    const noise = Uint8Array.from({ length: 100_000 }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) & 255);
    writeFileSync(join(cwd, 'model.tlt'), noise);
  },
  args: () => base,
});
test('a model that does not exist', fails, {
  reason: 'InputNotFound',
  says: /absent\.tlt/,
  args: () => ['classification', '-m', 'absent.tlt', '--key_file', 'key.txt'],
});
test('too few images', fails, {
  reason: 'TooFewImages',
  says: /10 batches of 8 need 80 images, and 9 were found/,
  prepare: (cwd) => {
    mkdirSync(join(cwd, 'nine'));
    for (const name of readdirSync(photos).slice(0, 9)) cpSync(join(photos, name), join(cwd, 'nine', name));
  },
  args: () => [...base, '--data_type', 'int8', '--cal_image_dir', 'nine'],
});
test('an image folder that does not exist', fails, {
  reason: 'InputNotFound',
  says: /folder absent cannot be read/,
  args: () => [...base, '--data_type', 'int8', '--cal_image_dir', 'absent'],
});
test('a text file named .png among the images', fails, {
  reason: 'ImageInvalid',
  says: /broken\.png/,
  prepare: (cwd) => {
    mkdirSync(join(cwd, 'images'));
    writeFileSync(join(cwd, 'images', 'broken.png'), 'not an image');
  },
  args: () => [
    ...base,
    '--data_type',
    'int8',
    '--cal_image_dir',
    'images',
    '--batches',
    '1',
    '--batch_size',
    '1',
  ],
});
test('int8 without calibration data', fails, {
  reason: 'CalibrationSourceMissing',
  says: /--cal_image_dir, --cal_data_file, or -e .*\. Random data is never used/,
  args: () => [...base, '--data_type', 'int8'],
});
test('an existing output', fails, {
  reason: 'OutputExists',
  says: /model\.etlt.*exists/,
  prepare: (cwd) => writeFileSync(join(cwd, 'model.etlt'), 'precious'),
  args: () => base,
});
test('an output folder that does not exist', fails, {
  reason: 'OutputUnwritable',
  says: /folder does not exist/,
  args: () => [...base, '-o', 'absent/model.etlt'],
});
test('a cache folder that does not exist, before any image is read', fails, {
  reason: 'OutputUnwritable',
  says: /folder does not exist/,
  args: () => [...base, ...int8(), '--cal_cache_file', 'absent/cal.bin'],
});
test('a calibration cache of another model', fails, {
  reason: 'CacheInvalid',
  says: /no scale for \d+ tensors/,
  prepare: (cwd) => writeFileSync(join(cwd, 'cal.bin'), 'TRT-8601-EntropyCalibration2\ninput_1: 3c010204\n'),
  args: () => [...base, ...int8()],
});
test('the module of another architecture', fails, {
  reason: 'ModelUnsupported',
  says: /predictions\/Softmax.*boxes and coverage.*--output_nodes/s,
  args: () => ['detectnet_v2', ...base.slice(1)],
});
test('a module that requires the experiment spec, without it', fails, {
  reason: 'SpecInvalid',
  says: /Exporting ssd: -e is required/,
  args: () => ['ssd', ...base.slice(1)],
});
test('a tensorfile that does not exist', fails, {
  reason: 'InputNotFound',
  says: /calibration\.tensor: it does not exist.*--cal_image_dir/s,
  args: () => [...base, '--data_type', 'int8', '--cal_data_file', 'calibration.tensor'],
});
test('a flag with a typo', fails, {
  reason: 'Usage',
  says: /Did you mean --batch_size\?/,
  args: () => [...base, '--batch_sise', '4'],
});
test('a batch size of zero', fails, {
  reason: 'Usage',
  says: /--batch_size is '0'/,
  args: () => [...base, '--batch_size', '0'],
});
test('an unknown data type', fails, {
  reason: 'Usage',
  says: /fp32, fp16, int8/,
  args: () => [...base, '--data_type', 'int4'],
});
test('a TensorRT for RTX engine without a compute capability', fails, {
  reason: 'EngineUnsupported',
  says: /computeCapability|compute capability/,
  args: () => [...base, '--engine_file', 'e.engine', '--engine_backend', 'TensorRtRtx'],
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('a full disk has its own exit code, and no output appears', async (t) => {
  const cwd = aWorkplace(real);
  const disk = join(cwd, 'disk');
  mkdirSync(disk);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
  try {
    const { code, stderr } = await exportModel(cwd, '-o', 'disk/model.etlt');
    t.is(code, failures.DiskFull.exitCode, stderr);
    t.deepEqual(readdirSync(disk), []);
    t.false(existsSync(join(disk, 'model.etlt')));
  } finally {
    await run('umount', [disk]);
  }
});
