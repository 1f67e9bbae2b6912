/**
 * `npm run mutation -- [--group PART OF A NAME] [--minutes N]`: changes each operator, condition and literal of the pinned
 * arithmetic in turn and runs its tests. A mutant that no test notices survives and is listed. The exit status is 1 if
 * fewer than 95 % are killed, or if time runs out.
 */
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Group, groups } from './groups.ts';
import { JudgeThread } from './judge-thread.ts';
import { listMutants, type Mutant } from './mutants.ts';

const { values } = parseArgs({
  options: { group: { type: 'string', default: '' }, minutes: { type: 'string', default: '20' } },
});
const leastKilled = 0.95;
const root = join(import.meta.dirname, '../..');
const deadline = performance.now() + Number(values.minutes) * 60_000;

const describe = ({ file, line, from, to, replacement }: Mutant): string => {
  const text = readFileSync(join(root, file), 'utf8').slice(from, to);
  const short = (code: string) => code.replace(/\s+/g, ' ').slice(0, 90);
  return `  survived: ${file}:${line}: ${short(text)}  →  ${short(replacement)}`;
};

type Counts = { readonly valid: number; readonly killed: number };

const judgeAll = async (mutants: readonly Mutant[], tests: readonly string[]): Promise<Counts> => {
  let [valid, killed] = [0, 0];
  const left = mutants.values();
  const work = async (): Promise<void> => {
    const thread = new JudgeThread(root);
    for (const mutant of left) {
      if (performance.now() > deadline) throw new Error(`not done after ${values.minutes} minutes`);
      const { fate } = await thread.judge({ mutant, tests });
      valid += fate === 'invalid' ? 0 : 1;
      killed += fate === 'killed' ? 1 : 0;
      if (fate === 'survived') console.log(describe(mutant));
    }
    await thread.stop();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { valid, killed };
};

const filesOf = (patterns: readonly string[]): readonly string[] =>
  patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();

const requirePassing = async (name: string, tests: readonly string[]): Promise<void> => {
  const thread = new JudgeThread(root);
  const { fate, why } = await thread.judge({ tests });
  await thread.stop();
  if (fate !== 'survived') throw new Error(`the tests of ${name} fail without a mutant: ${why}`);
};

const percent = ({ killed, valid }: Counts): string => ((100 * killed) / valid).toFixed(1);

const runGroup = async ({ name, files, tests }: Group): Promise<Counts> => {
  const testFiles = filesOf(tests);
  await requirePassing(name, testFiles);
  const counts = await judgeAll(await listMutants(root, filesOf(files)), testFiles);
  console.log(`${name}: ${counts.killed} of ${counts.valid} mutants killed, ${percent(counts)} %`);
  return counts;
};

const all: Counts[] = [];
for (const group of groups.filter(({ name }) => name.includes(values.group))) all.push(await runGroup(group));
const sum = (of: keyof Counts): number => all.reduce((total, counts) => total + counts[of], 0);
const total = { valid: sum('valid'), killed: sum('killed') };
const minutes = (performance.now() / 60_000).toFixed(1);
const cpu = process.cpuUsage();
const cpuMinutes = ((cpu.user + cpu.system) / 60e6).toFixed(1);
console.log(
  `${total.killed} of ${total.valid}, ${percent(total)} %, in ${minutes} minutes (${cpuMinutes} of processor time)`,
);
if (total.killed < leastKilled * total.valid) process.exitCode = 1;
