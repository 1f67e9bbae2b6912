/** Child process that only runs the float network on the same images, with the session options of calibration. */
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { openSession } from '../../src/graph/inference/session.ts';
import { givenTask } from './cases.ts';
import { inputsOf } from './inputs.ts';
import { usage } from './usage.ts';

const task = await givenTask();
const options = {
  optimisation: 'disabled',
  threads: availableParallelism(),
  prepacking: false,
  arena: false,
} as const;
const session = await openSession(task.model, options);
let seconds = 0;
for await (const { data, dims } of inputsOf(task)) {
  const started = performance.now();
  await session.run({ [task.input]: { data, dims } });
  seconds += (performance.now() - started) / 1000;
}
await session.release();
process.stdout.write(`${JSON.stringify({ seconds, ...usage() })}\n`);
