/**
 * `npm run generated -- [SEED] [NETWORKS]`: exports random chains of structures in fp32, fp16 and int8, and evaluates
 * each export. Exits with 1 if an export succeeded that should not have, or crashed.
 */
import process from 'node:process';
import { evaluateExports, type Outcome } from './evaluate.ts';
import { chained } from './networks.ts';

const [seed = '1', count = '40'] = process.argv.slice(2);

const lineOf = ({ name, dataType, refused, problems }: Outcome): string[] => {
  if (problems.length > 0) return [`WRONG    ${dataType} ${name}: ${problems.join('; ')}`];
  return refused ? [`refused  ${dataType} ${name}: ${refused.reason} ${refused.message.slice(0, 160)}`] : [];
};

const started = performance.now();
const outcomes = await evaluateExports(chained(Number(seed), Number(count)));
for (const line of outcomes.flatMap(lineOf)) process.stdout.write(`${line}\n`);
const wrong = outcomes.filter(({ problems }) => problems.length > 0).length;
const refused = outcomes.filter(({ refused: why }) => why !== undefined).length;
const seconds = ((performance.now() - started) / 1000).toFixed(0);
process.stdout.write(
  `seed ${seed}: ${outcomes.length} exports of ${count} networks in ${seconds} s: ${outcomes.length - wrong - refused} right, ${refused} refused by name, ${wrong} wrong\n`,
);
process.exitCode = wrong === 0 ? 0 : 1;
