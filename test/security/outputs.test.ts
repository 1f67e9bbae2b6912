/** The output files of a run appear together or not at all, and only this user can read plaintext models. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { UserError } from '../../src/ground/base/errors.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { makeScratch } from '../../src/ground/base/scratch.ts';
import { makeOutputs } from '../../src/ground/base/whole-file.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { runTool } from '../builders/tool.ts';
import { runExportIn } from '../builders/tool-context.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'outputs-'));
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a file has no name while it is written, so a killed process leaves none', async (t) => {
  const folder = newFolder();
  await using outputs = makeOutputs();
  await outputs.make(join(folder, 'out'), async (place) => {
    writeFileSync(place, 'whole');
    t.deepEqual(readdirSync(folder), []);
  });
  t.is(readFileSync(outputs.placeOf(join(folder, 'out')), 'utf8'), 'whole');
  t.deepEqual(readdirSync(folder), []);
  await outputs.publish();
  t.is(readFileSync(join(folder, 'out'), 'utf8'), 'whole');
});

onLinux('scratch files have no name, and other users cannot read them', async (t) => {
  const folder = newFolder();
  await using scratch = makeScratch(folder);
  const path = await scratch.write('plaintext');
  t.deepEqual(readdirSync(folder), []);
  t.is(readFileSync(path, 'utf8'), 'plaintext');
  t.is(statSync(path).mode & 0o777, 0o600);
});

test('if one name is taken, no file of the run appears', async (t) => {
  const folder = newFolder();
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  await using outputs = makeOutputs();
  await outputs.write(first, 'one');
  await outputs.write(second, 'two');
  writeFileSync(second, 'of someone else');
  const error = await t.throwsAsync(outputs.publish(), { instanceOf: UserError });
  t.is(error.reason, 'OutputExists');
  t.false(existsSync(first));
  t.is(readFileSync(second, 'utf8'), 'of someone else');
});

/** Creates 100 outputs in a folder. */
const naming = `
  import { join } from 'node:path';
  import { makeOutputs } from ${JSON.stringify(new URL('../../src/ground/base/whole-file.ts', import.meta.url).pathname)};
  const outputs = makeOutputs();
  for (let i = 0; i < 100; i++) await outputs.write(join(process.argv[1], String(i)), 'whole');
  await outputs.publish();
`;

const countOf = (folder: string): number => readdirSync(folder).length;

/** Waits until no more files appear, and returns their number. */
const countWhenSettled = async (folder: string): Promise<number> => {
  let before = -1;
  while (countOf(folder) !== before) {
    before = countOf(folder);
    await setTimeout(200);
  }
  return before;
};

onLinux('a run that is killed while it names its files leaves all of them', async (t) => {
  const folder = newFolder();
  const run = spawn(process.execPath, ['--input-type=module', '--eval', naming, folder], {
    stdio: 'inherit',
  });
  const ended = once(run, 'exit');
  while (countOf(folder) === 0 && run.exitCode === null) await setTimeout(0);
  run.kill('SIGKILL');
  t.deepEqual(await ended, [null, 'SIGKILL']);
  t.is(await countWhenSettled(folder), 100);
});

onLinux('if one of many names is taken, the others are removed again', async (t) => {
  const folder = newFolder();
  await using outputs = makeOutputs();
  for (const name of ['a', 'b', 'c', 'd']) await outputs.write(join(folder, name), name);
  writeFileSync(join(folder, 'c'), 'of someone else');
  await t.throwsAsync(outputs.publish(), { instanceOf: UserError });
  t.deepEqual(readdirSync(folder), ['c']);
  t.is(readFileSync(join(folder, 'c'), 'utf8'), 'of someone else');
});

test('unpacked and converted models can be read by this user only', async (t) => {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'm.tlt'), await encryptTlt(await smallClassifier(), 'a key'));
  for (const [command, name] of [
    ['unpack', 'u.onnx'],
    ['convert', 'c.onnx'],
  ] as const) {
    const { code, stderr } = await runTool('tlt-model', [command, 'm.tlt', '-k', 'a key', '-o', name], {
      cwd,
    });
    t.is(code, 0, stderr);
    t.is(statSync(join(cwd, name)).mode & 0o777, 0o600);
  }
});

/** Runs `use` with a file system of this size in KiB. */
const onSmallDisk = async (kib: number, use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = join(newFolder(), 'small');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder]);
  try {
    await use(folder);
  } finally {
    execFileSync('umount', [folder]);
  }
};

const asRoot = process.getuid?.() === 0 ? test.serial : test.skip;

asRoot(
  'if the report does not fit on the disk, no file of the export appears, and the next run succeeds',
  async (t) => {
    const cwd = newFolder();
    writeFileSync(join(cwd, 'm.onnx'), await smallClassifier());
    const int8 = [
      '--data_type',
      'int8',
      '--cal_image_dir',
      await smallPhotosFolder(),
      '--batches',
      '1',
      '--batch_size',
      '2',
    ];
    const args = [
      'classification',
      '-m',
      'm.onnx',
      '-k',
      'k',
      '-o',
      'm.etlt',
      ...int8,
      '--cal_cache_file',
      'cal.bin',
    ];
    await onSmallDisk(4, async (small) => {
      const { code, stderr } = await runTool('tlt-export', [...args, '--report', join(small, 'r.html')], {
        cwd,
      });
      t.is(code, failures.DiskFull.exitCode, stderr);
      t.deepEqual(readdirSync(small), []);
    });
    t.deepEqual(readdirSync(cwd), ['m.onnx']);
    const { code, stderr } = await runTool('tlt-export', [...args, '--report', 'r.html'], { cwd });
    t.is(code, 0, stderr);
    t.deepEqual(readdirSync(cwd).sort(), ['cal.bin', 'm.etlt', 'm.onnx', 'r.html', 'r.json']);
  },
);

for (const kib of [4, 8, 12])
  asRoot(
    `with a temporary folder of ${kib} KiB, an engine fails with DiskFull, and no file appears`,
    async (t) => {
      const cwd = newFolder();
      const model = join(cwd, 'm.onnx');
      writeFileSync(model, await smallClassifier());
      await onSmallDisk(kib, async (temporary) => {
        const args = ['classification', '-m', model, '-k', 'k', '-o', join(cwd, 'm.etlt')];
        const engine = ['--engine_file', join(cwd, 'e.onnx')];
        const error = await t.throwsAsync(runExportIn([...args, ...engine], { temporary }), {
          instanceOf: UserError,
        });
        t.is(error.reason, 'DiskFull', error.message);
        t.deepEqual(readdirSync(temporary), []);
      });
      t.deepEqual(readdirSync(cwd), ['m.onnx']);
    },
  );
