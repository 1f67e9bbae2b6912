/** `npm run bench:operator`: compares this operator with a controller on controller-runtime and with a client alone. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { endWithSignals } from '../../cluster/end-with-signals.ts';
import { type Load, type Measured, measure, measureLimit } from './measure.ts';
import {
  compileOperator,
  type MeasuredController,
  operatorWith,
  peer,
  type Templates,
  templatesOf,
} from './measured-controllers.ts';

const { values } = parseArgs({
  options: {
    objects: { type: 'string', default: '200' },
    rate: { type: 'string' },
    turns: { type: 'string', default: '1' },
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

const load: Load = {
  objects: Number(values.objects),
  ...(values.rate !== undefined && { rate: Number(values.rate) }),
};

/** Measures both programs as many times, in the other order every second time, because a machine changes within minutes. */
const compare = async (operator: MeasuredController): Promise<Compared> => {
  const first = await measure(operator, load, templatesOf);
  const controller = peer(first.seen);
  const both: Compared = { templates: first.seen, ours: [first.measured], theirs: [] };
  const measureOf = async (program: MeasuredController) =>
    (await measure(program, load, async () => undefined)).measured;
  for (let turn = 0; turn < Number(values.turns); turn++) {
    if (turn % 2 === 1) both.theirs.push(await measureOf(controller));
    if (turn > 0) both.ours.push(await measureOf(operator));
    if (turn % 2 === 0) both.theirs.push(await measureOf(controller));
  }
  return both;
};

type Compared = {
  readonly templates: Templates;
  readonly ours: Measured[];
  readonly theirs: Measured[];
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const ratio = ({ ours, theirs }: Compared, figureOf: (measured: Measured) => number): string =>
  (mean(ours.map(figureOf)) / mean(theirs.map(figureOf))).toFixed(2);

const main = async (): Promise<void> => {
  await compileOperator();
  const operator = operatorWith(values['node-flags'].split(' ').filter((flag) => flag !== ''));
  if (values.alone) {
    const { measured } = await measure(operator, load, async () => undefined);
    process.stdout.write(`${row(measured, undefined)}\n`);
    return;
  }
  const compared = await compare(operator);
  const limit = load.rate === undefined ? await measureLimit(compared.templates, load) : undefined;
  const how = load.rate === undefined ? 'at once' : `at ${load.rate} per second`;
  process.stdout.write(`${load.objects} ModelExports × 3 classes, ${how}\n`);
  if (limit) process.stdout.write(`a client alone: ${limit.toFixed(1)} Jobs/s\n`);
  for (const each of [...compared.ours, ...compared.theirs]) process.stdout.write(`${row(each, limit)}\n`);
  const jobs = ratio(compared, ({ jobsPerSecond }) => jobsPerSecond);
  const processor = ratio(compared, ({ processorMsPerObject }) => processorMsPerObject);
  process.stdout.write(`ratios of the means, ours to theirs: Jobs/s ${jobs}, processor ${processor}\n`);
};

endWithSignals();
await main();
