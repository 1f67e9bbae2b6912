/**
 * `npm run fuzz -- [--minutes N] [--inputs N] [--seed N] [--target PART OF A NAME]`: feeds damaged inputs to every reader of
 * external bytes. The readers share the time; `--inputs` is the maximum per reader. A crash, a hang, an untyped
 * error or too much memory is a finding: its input is saved, and the exit code is 1.
 */
import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Figures, maxMs } from './run-target.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', default: '' },
  },
});

type Row = Omit<Figures, 'findings'> & {
  readonly memoryMiB: number;
  readonly findings: readonly { readonly what: string; readonly file: string }[];
};

/** Memory limit of a reader's process. Node, V8's coverage and the saved inputs take 250 MiB of it. */
const mostMemoryMiB = 1024;

const kept = mkdtempSync(join(tmpdir(), 'tlt-fuzz-'));
const names = Object.keys(targets).filter((name) => name.includes(values.target));
const seconds = (Number(values.minutes) * 60) / names.length;

const failedRow = (done: number, what: string, folder: string): Row => ({
  ...{ inputs: done, accepted: 0, refused: 0, corpus: 0, blocks: 0, slowestMs: 0, memoryMiB: 0 },
  findings: [{ what, file: join(folder, 'current') }],
});

const fuzzTarget = (name: string): Promise<Row> => {
  const folder = join(kept, name.replace(/\W+/g, '-'));
  mkdirSync(folder);
  const child = fork(
    join(import.meta.dirname, 'child.ts'),
    [name, values.seed, values.inputs, `${seconds}`, folder],
    {
      execArgv: [`--max-old-space-size=${mostMemoryMiB}`, '--no-warnings'],
    },
  );
  return new Promise((resolve) => {
    let [row, done, hung]: [Row | undefined, number, boolean] = [undefined, 0, false];
    const hang = () => {
      hung = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(hang, 60_000);
    child.on('message', (message: { readonly done?: number; readonly figures?: Row }) => {
      clearTimeout(timer);
      timer = setTimeout(hang, 6 * maxMs);
      done = message.done ?? done;
      row = message.figures ?? row;
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      const ended = hung ? 'it did not end' : `the process ended with ${signal ?? code}`;
      resolve(row ?? failedRow(done, ended, folder));
    });
  });
};

const columns = ['reader', 'inputs', 'accepted', 'refused', 'blocks', 'slowest', 'memory', 'findings'];
const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`;
const count = (number: number): string => number.toLocaleString('en');

process.stdout.write(line(columns) + line(columns.map(() => '---')));
let [total, bad] = [0, 0];
for (const name of names) {
  const row = await fuzzTarget(name);
  const isHeavy = row.memoryMiB > mostMemoryMiB;
  const slowest = `${Math.round(row.slowestMs)} ms`;
  const cells = [
    name,
    count(row.inputs),
    count(row.accepted),
    count(row.refused),
    count(row.blocks),
    slowest,
  ];
  process.stdout.write(
    line([...cells, `${row.memoryMiB} MiB${isHeavy ? ' (too much)' : ''}`, row.findings.length]),
  );
  for (const { what, file } of row.findings) process.stderr.write(`${name}: ${file}\n${what}\n`);
  total += row.inputs;
  bad += row.findings.length + (isHeavy ? 1 : 0);
}
process.stdout.write(`\n${count(total)} inputs, ${bad} findings, seed ${values.seed}.\n`);
process.exitCode = bad === 0 ? 0 : 1;
