/** Worker processes that count parts of one calibration, in place of the pods of an Indexed Job. */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { readPart, runCountTask } from '../../src/adapters/worker/count-task.ts';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { openSource } from '../../src/export/pipeline/calibration-source.ts';
import { defaults } from '../../src/ground/contract/defaults.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import { type Counted, type Exported, parseResult } from '../../src/ground/contract/result.ts';
import type { CalibrationTask, ExportTask } from '../../src/ground/contract/task.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { anExportTask } from '../builders/export-task.ts';
import { anS3Store, credentialsFolder, settingsOf } from '../builders/s3-store.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { aFolder } from '../builders/tool.ts';
import { smallQatModel } from '../models/qat.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';
import { startS3Server } from '../storage/s3-server.ts';

const worker = join(import.meta.dirname, '..', '..', 'src', 'worker.ts');
const key = 'correct horse battery staple';

const calibration: CalibrationTask = {
  source: 'ImageDirectory',
  imageDirectory: { uri: 'pvc://models/photos' },
  batches: 3,
  batchSize: 4,
  algorithm: 'Entropy',
};

/** The task of an export into a folder of its own, counted in this many parts. */
const aTask = (of: number, changes: Partial<ExportTask> = {}): ExportTask =>
  anExportTask({
    calibration,
    folder: `pvc://exports/${of}/k`,
    histograms: `pvc://exports/${of}/histograms/h.hist`,
    ...(of > 1 && { parts: { of, folder: `pvc://exports/${of}/histograms/h` } }),
    ...changes,
  });

/** Folders of two claims, shared by pods. */
const someClaims = async (): Promise<string> => {
  const claims = aFolder(key);
  for (const name of ['models', 'exports']) mkdirSync(join(claims, name));
  writeFileSync(join(claims, 'models', 'm.tlt'), await encryptTlt(await smallClassifier(), key));
  cpSync(await smallPhotosFolder(), join(claims, 'models', 'photos'), { recursive: true });
  return claims;
};

/** Root of one pod, with the claims mounted: every pod has its own termination message. */
const aPod = (claims: string): string => {
  const root = aFolder(key);
  const secrets = join(root, mounts.keyFile.replace(/\/[^/]+$/, ''));
  for (const folder of [join(root, 'dev'), secrets, join(root, 'mnt')])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, mounts.keyFile), key);
  symlinkSync(claims, join(root, mounts.claims));
  symlinkSync(credentialsFolder(), join(root, mounts.s3Credentials));
  return root;
};

/** Runs the container `calibrate` of one index. @returns its result; undefined if it was killed */
const countInProcess = async (
  claims: string,
  {
    task,
    index,
    killed = false,
  }: { readonly task: ExportTask; readonly index: number; readonly killed?: boolean },
): Promise<Counted | undefined> => {
  const root = aPod(claims);
  const child = spawn(process.execPath, [worker, 'count', '--task', JSON.stringify(task)], {
    env: { ...process.env, TLT_WORKER_ROOT: root, JOB_COMPLETION_INDEX: String(index) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // The first line of progress: it has begun, and stored nothing.
  if (killed) child.stderr.once('data', () => child.kill('SIGKILL'));
  else child.stderr.resume();
  await new Promise((resolve) => child.on('close', resolve));
  const message = join(root, mounts.terminationMessage);
  if (!existsSync(message)) return undefined;
  return parseResult(readFileSync(message, 'utf8')) as Counted;
};

const listNames = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];

let claims: string;
let alone: { readonly cache: Buffer; readonly histograms: Buffer; readonly verification: Buffer };

/** The files of an export that has run. */
const readExport = (of: number, { calibrationCache, verification }: Exported) => {
  const file = (name: string) => readFileSync(join(claims, 'exports', String(of), name));
  return {
    cache: file(`k/${calibrationCache!.file}`),
    histograms: file('histograms/h.hist'),
    verification: file(`k/${verification!.file}`),
  };
};

const exportParts = async (of: number) => {
  const context = aTaskContext(claims);
  return { result: await runExportTask(aTask(of), context), warnings: context.warnings };
};

test.before(async () => {
  claims = await someClaims();
  alone = readExport(1, (await exportParts(1)).result);
});

const counts = test.macro({
  exec: async (t, of: number, count: (task: ExportTask, index: number) => Promise<Counted | undefined>) => {
    const task = aTask(of);
    const results = await Promise.all(Array.from({ length: of }, (_, index) => count(task, index)));
    t.deepEqual(
      results.map((counted) => [counted!.reused, counted!.calibrationPass?.images]),
      results.map((counted) => [false, counted!.images]),
    );
    t.is(
      results.reduce((sum, counted) => sum + counted!.images, 0),
      12,
    );
    t.is(listNames(join(claims, 'exports', String(of), 'histograms/h')).length, of);
    const { result, warnings } = await exportParts(of);
    t.deepEqual(readExport(of, result), alone, 'cache, histograms and verification images, byte for byte');
    t.is(result.calibrationPass, undefined, 'the export pod counts no image');
    t.false(
      warnings.some((line) => line.includes('istograms')),
      warnings.join('\n'),
    );
    t.deepEqual(
      listNames(join(claims, 'exports', String(of), 'histograms/h')),
      [],
      'the sum replaces the parts',
    );
    const again = await count(task, 0);
    t.true(again!.reused, 'the sum needs no part');
  },
  title: (title, of) => `${title ?? `${of} parts`} give the same bytes as one count`,
});
const countHere = (task: ExportTask, index: number) => runCountTask(task, index + 1, aTaskContext(claims));
for (const parts of [2, 5]) test.serial(counts, parts, countHere);
test.serial('3 processes that count parts', counts, 3, (task, index) =>
  countInProcess(claims, { task, index }),
);

test.serial('a part whose pod was killed is counted again, and no other part is', async (t) => {
  const task = aTask(6);
  const [first, killed] = await Promise.all([
    countInProcess(claims, { task, index: 0 }),
    countInProcess(claims, { task, index: 1, killed: true }),
  ]);
  t.is(first!.images, 2);
  t.is(killed, undefined);
  t.deepEqual(listNames(join(claims, 'exports/6/histograms/h')), ['1-of-6.hist'], 'complete or not at all');
  const context = aTaskContext(claims);
  const results = [];
  for (const part of [1, 2]) results.push(await runCountTask(task, part, context));
  t.deepEqual(
    results.map(({ images, reused }) => [images, reused]),
    [
      [2, true],
      [2, false],
    ],
  );
});

test.serial(
  'three processes on object storage, one of them killed, give the same bytes as well',
  async (t) => {
    const server = await startS3Server({ buckets: ['models', 'exports'] });
    t.teardown(server.stop);
    cpSync(join(claims, 'models'), server.at('models'), { recursive: true });
    const inS3 = JSON.parse(JSON.stringify(aTask(3)).replaceAll('pvc://', 's3://')) as ExportTask;
    const task: ExportTask = { ...inS3, s3: settingsOf(server.url) };
    const [first, killed, third] = await Promise.all(
      [0, 1, 2].map((index) => countInProcess(claims, { task, index, killed: index === 1 })),
    );
    t.deepEqual([first?.images, killed, third?.images], [4, undefined, 4]);
    const folder = server.at('exports/3/histograms/h');
    t.deepEqual(listNames(folder).toSorted(), ['1-of-3.hist', '3-of-3.hist'], 'complete or not at all');
    t.like(await countInProcess(claims, { task, index: 1 }), { images: 4, reused: false });
    t.like(await countInProcess(claims, { task, index: 2 }), { images: 4, reused: true });
    const context = { ...aTaskContext(claims), store: anS3Store({ url: server.url }) };
    const { calibrationCache, calibrationPass } = await runExportTask(task, context);
    t.is(calibrationPass, undefined, 'the export pod counts no image');
    t.deepEqual(readFileSync(server.at('exports/3/k', calibrationCache!.file)), alone.cache);
    t.deepEqual(readFileSync(server.at('exports/3/histograms/h.hist')), alone.histograms);
    t.deepEqual(listNames(folder), [], 'the sum replaces the parts');
  },
);

test.serial('the export pod counts parts that are missing, damaged, or of other images', async (t) => {
  const task = aTask(4);
  const context = aTaskContext(claims);
  for (const part of [1, 2, 3]) await runCountTask(task, part, context);
  const other = { ...calibration, batches: 2 };
  await runCountTask(aTask(4, { calibration: other }), 4, context);
  const folder = join(claims, 'exports/4/histograms/h');
  writeFileSync(join(folder, '2-of-4.hist'), 'damaged');
  cpSync(join(folder, '1-of-4.hist'), join(folder, '3-of-4.hist'));
  const { result, warnings } = await exportParts(4);
  t.deepEqual(readExport(4, result), alone);
  const recounted = warnings.flatMap((line) => /part (\d) of 4 are missing/.exec(line)?.[1] ?? []);
  t.deepEqual(recounted, ['2', '3', '4']);
  t.true(
    warnings.some((line) => line.includes('2-of-4.hist is not used. Reading the histograms: it is not')),
  );
});

test.serial('tensorfiles are counted in parts as well', async (t) => {
  const context = aTaskContext(claims);
  const path = join(claims, 'models', 'c.tensor');
  const opened = await openModel({
    path: join(claims, 'models', 'm.tlt'),
    key,
    architecture: 'classification',
  });
  const source = { kind: 'TensorfileOfImages', path, folder: join(claims, 'models', 'photos') } as const;
  const sample = { batches: 3, batchSize: 4, seed: defaults.seed, rows: 4 };
  for await (const _ of (await openSource(opened, { source, ...sample })).batches) break;
  const { imageDirectory: _, ...rest } = calibration;
  const ofFile = { ...rest, source: 'Tensorfile', tensorfile: { uri: 'pvc://models/c.tensor' } } as const;
  const task = {
    ...aTask(2, { folder: 'pvc://exports/file/k', histograms: 'pvc://exports/file/h.hist' }),
    calibration: ofFile,
  };
  for (const part of [1, 2]) t.false((await runCountTask(task, part, context)).reused);
  const { calibrationCache } = await runExportTask(task, context);
  t.deepEqual(readFileSync(join(claims, 'exports/file/k', calibrationCache!.file)), alone.cache);
});

test.serial('a model with scales from training is not counted', async (t) => {
  const { path } = await smallQatModel('int8');
  cpSync(path, join(claims, 'models', 'qat.onnx'));
  const task = aTask(3, { model: { uri: 'pvc://models/qat.onnx' }, folder: 'pvc://exports/qat/k' });
  const context = aTaskContext(claims);
  t.deepEqual(await runCountTask(task, 2, context), { kind: 'Counted', images: 0, reused: false });
  t.is((await runExportTask(task, context)).calibrationCache!.algorithm, 'Trained');
});

test('a pod that is not of an Indexed Job, or has a task without parts, does not count', async (t) => {
  t.is(readPart('0'), 1);
  t.is(readPart('999'), 1000);
  for (const index of [undefined, '', '-1', '1.5'])
    t.throws(() => readPart(index), { message: /JOB_COMPLETION_INDEX is no index/ });
  await t.throwsAsync(runCountTask(aTask(1), 1, aTaskContext(await someClaims())), {
    message: /has no parts/,
  });
});
