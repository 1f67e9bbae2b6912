/** `tlt-int8-tensorfile` on the data of a training, and the errors of users. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { openLoader } from '../../src/data/datasets/loader.ts';
import type { Batch } from '../../src/data/preprocessing/batches.ts';
import { readExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { readTensorfileBatches } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { type FailureReason, failures } from '../../src/ground/base/failures.ts';
import { type TensorfileModule, tensorfileModules } from '../../src/ground/contract/flags.ts';
import { collect } from '../builders/collected.ts';
import { runTool } from '../builders/tool.ts';
import { runSample } from '../builders/tool-context.ts';
import { aTraining, counts } from '../builders/training.ts';
import { run } from '../cluster/run.ts';

const { batchSize } = counts;

/** Runs the tool on the training in this folder, which is also the data root. */
const runSampleIn = (folder: string, module: TensorfileModule, ...args: string[]) =>
  runSample([
    module,
    ...['-e', join(folder, 'spec.txt'), '-o', join(folder, 'c.tensor'), '--data_root', folder],
    ...args,
  ]);

const planOf = async (folder: string, module: TensorfileModule) =>
  (await readExperimentSpec(join(folder, 'spec.txt'), module)).loader();

const bytesOf = (batches: readonly Batch[]): Buffer =>
  Buffer.concat(batches.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));

for (const module of tensorfileModules)
  test(`${module}: the file contains the batches of the training's data loader, and the log has TLT's lines`, async (t) => {
    const folder = await aTraining(module);
    const { log } = await runSampleIn(folder, module, '-m', '2', '--seed', '3');
    const plan = await planOf(folder, module);
    const request = { ...plan.size, batches: 2, batchSize, rows: batchSize };
    const stored = await collect(readTensorfileBatches(join(folder, 'c.tensor'), request));
    const loader = await openLoader(plan, { seed: 3, set: 'training', batches: 2, dataRoot: folder });
    const loaded = await collect(loader.batches);
    t.is(stored.length, 2);
    t.true(bytesOf(stored).equals(bytesOf(loaded)));
    t.is(log[0], `[INFO] Loading experiment spec at ${join(folder, 'spec.txt')}`);
    for (const line of [
      '[INFO] Setting up input generator.',
      `[INFO] Found 24 images ${module === 'classification' ? 'belonging to 2 classes' : 'in the training set'}.`,
      '[INFO] Calibration tensorfile written.',
    ])
      t.true(log.includes(line), line);
    t.is(log.filter((line) => /^\[DEBUG\] Batch \d: (\S+\.jpg(, )?){4}$/.test(line)).length, 2);
    t.regex(log.at(-1)!, /^\[INFO\] Time taken to run tlt-int8-tensorfile: 0:00:\d\d\.\d{6}\.$/);
  });

test('the same seed gives the same bytes, and the validation set gives others', async (t) => {
  const folder = await aTraining('classification');
  const bytesOf = async (...args: string[]): Promise<Buffer> => {
    await runSampleIn(folder, 'classification', '-m', '2', ...args);
    const bytes = readFileSync(join(folder, 'c.tensor'));
    rmSync(join(folder, 'c.tensor'));
    return bytes;
  };
  const first = await bytesOf();
  t.true(first.equals(await bytesOf('--seed', '42')));
  t.false(first.equals(await bytesOf('--seed', '1')));
  t.false(first.equals(await bytesOf('--use_validation_set')));
});

test("classification's own flag names are accepted, and the last value of a flag counts", async (t) => {
  const folder = await aTraining('classification');
  const spec = join(folder, 'spec.txt');
  await runSample([
    'classification',
    ...['--experiment_spec', 'absent.txt', '--experiment_spec_file', spec, '--data_root', folder],
    ...['--output', join(folder, 'c.tensor'), '-m', '1'],
  ]);
  t.true(existsSync(join(folder, 'c.tensor')));
});

test('absolute paths of another machine are mapped, and DATA_BASE_PATH is the root of relative paths', async (t) => {
  const [absolute, relative] = [await aTraining('ssd', '/workspace/data/'), await aTraining('ssd')];
  await runSampleIn(absolute, 'ssd', '-m', '1', '--path_in_spec', '/workspace/data');
  const output = join(relative, 'c.tensor');
  const env = { DATA_BASE_PATH: relative };
  await runSample(['ssd', '-e', join(relative, 'spec.txt'), '-o', output, '-m', '1'], { env });
  t.true(readFileSync(output).equals(readFileSync(join(absolute, 'c.tensor'))));
});

test('broken images are logged and replaced, up to --max_broken', async (t) => {
  const folder = await aTraining('detectnet_v2');
  const images = join(folder, 'kitti', 'images');
  for (const name of readdirSync(images).sort().slice(0, 4)) {
    rmSync(join(images, name));
    writeFileSync(join(images, name), 'not an image');
  }
  const { log } = await runSampleIn(folder, 'detectnet_v2', '-m', '5', '--max_broken', '0.2');
  const left = log.filter((line) => line.startsWith('[WARNING] Skipped: '));
  t.true(left.length > 0 && left.every((line) => /\.jpg \(record \d+ of .*fold-001-of-002\)/.test(line)));
  const error = await t.throwsAsync(
    runSampleIn(folder, 'detectnet_v2', '-m', '5', '-o', join(folder, 'd.tensor')),
    {
      instanceOf: UserError,
    },
  );
  t.is(error.reason, 'ImageInvalid');
  t.deepEqual(readdirSync(folder).sort(), ['c.tensor', 'key.txt', 'kitti', 'records', 'spec.txt']);
});

type Wrong = {
  readonly module?: TensorfileModule;
  readonly reason: FailureReason;
  readonly says: RegExp;
  readonly spoil?: (folder: string) => void;
  readonly args?: readonly string[];
};

const refuses = test.macro<[Wrong]>({
  title: (what) => `refused: ${what}`,
  exec: async (t, { module = 'classification', reason, says, spoil, args = [] }) => {
    const folder = await aTraining('classification');
    spoil?.(folder);
    const before = readdirSync(folder);
    const error = await t.throwsAsync(runSampleIn(folder, module, '-m', '2', ...args), {
      instanceOf: UserError,
    });
    t.is(error.reason, reason);
    t.regex(error.message, says);
    t.deepEqual(readdirSync(folder), before, 'no file is left');
  },
});
test('an existing output', refuses, {
  reason: 'OutputExists',
  says: /c\.tensor: the file already exists and was not changed/,
  spoil: (folder) => writeFileSync(join(folder, 'c.tensor'), 'precious'),
});
test('an output folder that does not exist', refuses, {
  reason: 'OutputUnwritable',
  says: /its folder does not exist/,
  args: ['-o', '/tmp/tlt-absent/c.tensor'],
});
test('a spec of another module', refuses, {
  module: 'detectnet_v2',
  reason: 'SpecInvalid',
  says: /it is a spec of classification \(.*spec\.txt:\d+:\d+ has train_config\), but a spec of detectnet_v2/,
});
test('a spec that does not exist', refuses, {
  reason: 'InputNotFound',
  says: /absent\.txt: the file does not exist/,
  args: ['-e', 'absent.txt'],
});
test('more batches than the data set has', refuses, {
  reason: 'TooFewImages',
  says: /7 batches of 4 need 28 images, but it has 24/,
  args: ['-m', '7'],
});
test('the validation set of a spec without one', refuses, {
  reason: 'TooFewImages',
  says: /the spec does not define one/,
  args: ['--use_validation_set'],
  spoil: (folder) => {
    const spec = readFileSync(join(folder, 'spec.txt'), 'utf8');
    writeFileSync(join(folder, 'spec.txt'), spec.replace(/val_dataset_path: "\S*"/, ''));
  },
});
test('--path_in_spec without --data_root is refused', async (t) => {
  const error = await t.throwsAsync(
    runSample(['ssd', '-e', 's', '-o', 'o', '-m', '1', '--path_in_spec', '/workspace']),
    { instanceOf: UserError },
  );
  t.is(error.reason, 'Usage');
});
test('a missing number of batches is refused', async (t) => {
  const error = await t.throwsAsync(runSample(['ssd', '-e', 's', '-o', 'o']), { instanceOf: UserError });
  t.is(error.reason, 'Usage');
  t.regex(error.message, /--max_batches is missing: Number of batches to write/);
});

test('a record with a wrong checksum is named, and no file is left', async (t) => {
  const folder = await aTraining('detectnet_v2');
  const path = join(folder, 'records', 'set-fold-001-of-002');
  const bytes = readFileSync(path);
  bytes[20]! ^= 1; // in the data of the first record
  writeFileSync(path, bytes);
  const before = readdirSync(folder);
  const error = await t.throwsAsync(runSampleIn(folder, 'detectnet_v2', '-m', '6'), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'DatasetInvalid');
  t.regex(
    error.message,
    /record 0 .*set-fold-001-of-002.*checksum|set-fold-001-of-002.*record 0.*checksum/is,
  );
  t.deepEqual(readdirSync(folder), before);
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('a full disk has its own exit code, and no file is left', async (t) => {
  const folder = await aTraining('ssd');
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
  try {
    const output = ['-o', join(disk, 'c.tensor')];
    const error = await t.throwsAsync(runSampleIn(folder, 'ssd', '-m', '6', ...output), {
      instanceOf: UserError,
    });
    t.is(error.reason, 'DiskFull');
    t.deepEqual(readdirSync(disk), []);
  } finally {
    await run('umount', [disk]);
  }
});

test('a signal ends the process with its own exit code, and no file is left', async (t) => {
  const folder = await aTraining('detectnet_v2');
  const spec = readFileSync(join(folder, 'spec.txt'), 'utf8');
  const large = spec.replace('_width: 256', '_width: 1248').replace('_height: 160', '_height: 768'); // large enough to be running when the signal arrives
  writeFileSync(join(folder, 'spec.txt'), large);
  const before = readdirSync(folder);
  const tool = join(import.meta.dirname, '..', '..', 'src', 'tlt-int8-tensorfile.ts');
  const args = [tool, 'detectnet_v2', '-e', 'spec.txt', '-o', 'c.tensor', '-m', '6'];
  const child = spawn(process.execPath, args, { cwd: folder });
  let stderr = '';
  child.stderr.on('data', (text) => {
    const before = stderr;
    stderr += text;
    if (!before.includes('"progress"') && stderr.includes('"progress"')) child.kill('SIGINT');
  });
  const [code] = await once(child, 'close');
  t.is(code, failures.Interrupted.exitCode, stderr);
  t.regex(stderr, /Stopped by SIGINT before the work was done/);
  t.deepEqual(readdirSync(folder), before);
});

test('--help lists every flag with all its names, and examples', async (t) => {
  const { code, stdout } = await runTool('tlt-int8-tensorfile', ['--help']);
  t.is(code, 0);
  for (const part of [
    '-e, --experiment_spec, --experiment_spec_file FILE',
    '+ --seed N',
    '--cal_data_file calibration.tensor',
  ])
    t.true(stdout.includes(part), part);
});
