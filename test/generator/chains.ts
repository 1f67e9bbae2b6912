/**
 * `npm run generated -- [SEED] [NETWORKS]`: exports each structure alone in fp32, and random chains of structures in fp32,
 * fp16 and int8, and evaluates each export. Exits with 1 if an export succeeded that should not have, or crashed.
 */
import process from 'node:process';
import { dataTypes } from '../../src/ground/contract/architectures.ts';
import { evaluateExports, type Outcome } from './evaluate.ts';
import { alone, chained } from './networks.ts';

const [seed = '1', count = '40'] = process.argv.slice(2);

const lineOf = ({ name, dataType, refused, problems }: Outcome): string[] => {
  if (problems.length > 0) return [`WRONG    ${dataType} ${name}: ${problems.join('; ')}`];
  return refused ? [`refused  ${dataType} ${name}: ${refused.reason} ${refused.message.slice(0, 160)}`] : [];
};

const started = performance.now();
const single = alone();
const outcomes = [
  ...(await evaluateExports(single, ['fp32'])),
  ...(await evaluateExports(chained(Number(seed), Number(count)), dataTypes)),
];
for (const line of outcomes.flatMap(lineOf)) process.stdout.write(`${line}\n`);
const wrong = outcomes.filter(({ problems }) => problems.length > 0).length;
const refused = outcomes.filter(({ refused: why }) => why !== undefined).length;
const seconds = ((performance.now() - started) / 1000).toFixed(0);
process.stdout.write(
  `seed ${seed}: ${outcomes.length} exports of ${single.length} structures and ${count} chains in ${seconds} s: ${outcomes.length - wrong - refused} right, ${refused} refused by name, ${wrong} wrong\n`,
);
process.exitCode = wrong === 0 ? 0 : 1;
