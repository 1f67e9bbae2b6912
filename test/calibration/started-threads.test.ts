/** Threads of a calibration that start before there is a network. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import type { CalibrationWorker } from '../../src/calibration/pass/calibration-worker.ts';
import { countThreads, startThreads, takeThreads } from '../../src/calibration/pass/started-threads.ts';
import { runExport } from '../builders/tool-context.ts';

let workers = 0;
process.on('worker', () => void workers++);

/** Number of threads that start while `act` runs. */
const countStarted = async (act: () => unknown): Promise<number> => {
  const before = workers;
  await act();
  await setImmediate(); // Node tells of a thread in the next turn.
  return workers - before;
};

test.serial('a pass takes the threads that were started, and starts the others', async (t) => {
  t.is(await countStarted(startThreads), countThreads());
  t.is(await countStarted(startThreads), 0, 'those of the next pass only');
  const taken: CalibrationWorker[] = [];
  const take = (count: number) => countStarted(() => taken.push(...takeThreads(count)));
  t.is(await take(countThreads()), 0);
  t.is(await take(1), 1);
  const answers = await Promise.all(
    taken.map((worker) => worker.ask({ kind: 'thresholds', histograms: [] })),
  );
  t.true(answers.every(({ kind }) => kind === 'thresholds'));
  await Promise.all(taken.map((worker) => worker.close()));
});

const flags = ['classification', '-m', 'missing.onnx', '-k', 'k', '-o', 'missing.etlt'];
const images = ['--data_type', 'int8', '--cal_image_dir', import.meta.dirname];

test.serial('an export that will count images starts the threads before it opens the model', async (t) => {
  const run = (...more: readonly string[]) =>
    countStarted(() => t.throwsAsync(runExport(...flags, ...more), { message: /missing\.onnx/ }));
  t.is(await run('--data_type', 'fp32'), 0);
  t.is(await run('--data_type', 'int8', '--cal_cache_file', import.meta.filename), 0, 'there is a cache');
  t.is(await run(...images, '--cal_histogram_file', import.meta.filename), 0, 'there are histograms');
  t.is(await run(...images), countThreads());
});

test('a process ends although threads were started and nothing was calibrated', (t) => {
  const module = pathToFileURL(
    join(import.meta.dirname, '../../src/calibration/pass/started-threads.ts'),
  ).href;
  const script = `(await import('${module}')).startThreads();
    console.log('started');
    setTimeout(() => {}, 200);`;
  const options = { encoding: 'utf8', timeout: 60_000 } as const;
  t.is(execFileSync(process.execPath, ['--input-type=module', '--eval', script], options), 'started\n');
});
