/** Child process that runs one calibration pass and computes all thresholds of every tensor. Prints seconds and peak memory. */
import process from 'node:process';
import { collectStatistics } from '../../src/calibration/pass/calibrate.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { givenTask } from './cases.ts';
import { inputsOf, shapeOf } from './inputs.ts';
import { usage } from './usage.ts';

const task = await givenTask();
const started = performance.now();
const { histograms, thresholds } = await collectStatistics({
  model: await readModelFile(task.model),
  input: task.input,
  shape: shapeOf(task),
  batches: inputsOf(task),
  progress: () => {},
  signal: new AbortController().signal,
  ...(task.threads !== undefined && { threads: task.threads }),
});
const ended = performance.now();
process.stdout.write(
  `${JSON.stringify({
    seconds: (ended - started) / 1000,
    ...usage(),
    tensors: histograms.size,
    distributions: thresholds!.size,
  })}\n`,
);
