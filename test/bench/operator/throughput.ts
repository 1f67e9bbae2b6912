/** `npm run bench:operator`: compares this operator with a controller on controller-runtime and with a client alone. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { endWithSignals } from '../../cluster/end-with-signals.ts';
import { type Load, type Measured, measure, measureLimit } from './measure.ts';
import { compileOperator, operatorWith, peer, templatesOf } from './measured-controllers.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '200' },
    rate: { type: 'string' },
    alone: { type: 'boolean', default: false },
    'node-flags': { type: 'string', default: '' },
  },
});

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;

const seconds = (ms: readonly number[]): string =>
  [0.5, 0.99].map((q) => (quantile(ms, q) / 1000).toFixed(2)).join(' / ');

const describeAmounts = (amounts: Readonly<Record<string, number>>, digits: number): string =>
  Object.entries(amounts)
    .map(([name, amount]) => `${name} ${amount.toFixed(digits)}`)
    .join(', ');

const row = ({ title, jobsPerSecond, ...measured }: Measured, limit: number | undefined): string => {
  const { processorMsPerObject, planeMsPerObject, mebibytes, writes, firstStatusMs, readyMs } = measured;
  const all = Object.values(writes).reduce((sum, each) => sum + each, 0);
  return [
    `${title}: ${jobsPerSecond.toFixed(1)} Jobs/s${limit ? ` (${(jobsPerSecond / limit).toFixed(2)} of the limit)` : ''}`,
    `  processor ${processorMsPerObject.toFixed(1)} ms per object, peak ${mebibytes.toFixed(0)} MiB`,
    `  control plane, processor ms per object: ${describeAmounts(planeMsPerObject, 1)}`,
    `  ${all.toFixed(2)} writes an object: ${describeAmounts(writes, 2)}`,
    `  first status p50 / p99 ${seconds(firstStatusMs)} s, Ready ${seconds(readyMs)} s`,
  ].join('\n');
};

const main = async (): Promise<void> => {
  const load: Load = {
    objects: Number(values.objects),
    ...(values.rate !== undefined && { rate: Number(values.rate) }),
  };
  await compileOperator();
  const nodeFlags = values['node-flags'].split(' ').filter((flag) => flag !== '');
  const { measured: ours, seen: templates } = await measure(operatorWith(nodeFlags), load, templatesOf);
  if (values.alone) {
    process.stdout.write(`${row(ours, undefined)}\n`);
    return;
  }
  const { measured: theirs } = await measure(peer(templates), load, async () => undefined);
  const limit = load.rate === undefined ? await measureLimit(templates, load) : undefined;
  const how = load.rate === undefined ? 'at once' : `at ${load.rate} per second`;
  process.stdout.write(`${load.objects} ModelExports × 3 classes, ${how}\n`);
  if (limit) process.stdout.write(`a client alone: ${limit.toFixed(1)} Jobs/s\n`);
  for (const each of [ours, theirs]) process.stdout.write(`${row(each, limit)}\n`);
  process.stdout.write(
    `ratios, ours to theirs: Jobs/s ${(ours.jobsPerSecond / theirs.jobsPerSecond).toFixed(2)}, processor ${(ours.processorMsPerObject / theirs.processorMsPerObject).toFixed(2)}\n`,
  );
};

endWithSignals();
await main();
