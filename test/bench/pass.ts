/** Child process: one calibration pass and all thresholds of every tensor. Prints seconds and the peak of its memory. */
import process from 'node:process';
import { allThresholds } from '../../src/calibration/thresholds.ts';
import { collectStatistics } from '../../src/exporting/calibrate.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { givenTask } from './cases.ts';
import { inputsOf, shapeOf } from './inputs.ts';
import { usage } from './usage.ts';

const task = givenTask();
const started = performance.now();
const { histograms } = await collectStatistics({
  model: await readModelFile(task.model),
  input: task.input,
  shape: shapeOf(task),
  batches: inputsOf(task),
  progress: () => {},
  signal: new AbortController().signal,
});
const collected = performance.now();
const thresholds = new Map([...new Set(histograms.values())].map((each) => [each, allThresholds(each)]));
const ended = performance.now();
process.stdout.write(
  `${JSON.stringify({
    seconds: (ended - started) / 1000,
    thresholdSeconds: (ended - collected) / 1000,
    ...usage(),
    tensors: histograms.size,
    distributions: thresholds.size,
  })}\n`,
);
