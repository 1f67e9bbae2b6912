/** Runs child processes in turns, and takes medians. */
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { memorySettings } from '../../src/ground/contract/memory.ts';
import { run } from '../cluster/run.ts';
import { noReports, peerPython } from '../peers/venv.ts';
import type { Task } from './cases.ts';

export type Measured = {
  /** Wall-clock time from the model to the thresholds, without the start of the program. */
  readonly seconds: number;
  /** Processor time of all threads, including the start. Other work on the machine affects it least. */
  readonly processorSeconds: number;
  /** Peak resident memory. */
  readonly mebibytes: number;
};

export type Contestant = {
  readonly title: string;
  readonly measure: () => Promise<Measured>;
  /** Set for rows that take minutes. */
  readonly once?: boolean;
};

const root = join(import.meta.dirname, '..', '..');
const compiled = join(root, 'node_modules', '.cache', 'bench');

/** The sources as JavaScript, as in the image; Node needs 35 MiB more to read TypeScript. */
export const compile = async (): Promise<void> => {
  await run(
    join(root, 'node_modules', '.bin', 'tsc'),
    ['-p', 'test', '--noEmit', 'false', '--outDir', compiled],
    {
      cwd: root,
    },
  );
};

/** Processors, and what else runs on them, for the head of a table. */
export const machine = (): string =>
  `${availableParallelism()} processors (${cpus()[0]!.model.trim()}), load ${loadavg()[0]!.toFixed(1)}, node ${process.version}`;

/** See the Dockerfile. */
export const asInTheImage = {
  ...memorySettings.environment,
  NODE_OPTIONS: memorySettings.nodeFlags.join(' '),
};

/** Runs a script of this folder with a task. */
export const ours = (script: 'pass' | 'float-network', task: Task) => async (): Promise<Measured> => {
  const path = join(compiled, 'test', 'bench', `${script}.js`);
  if (!existsSync(path)) throw new Error('compile first');
  return lastLine(await run(process.execPath, [path], { input: JSON.stringify(task), env: asInTheImage }));
};

export const peer = (task: Task, args: readonly string[]) => async (): Promise<Measured> => {
  const script = join(import.meta.dirname, 'calibrate_peer.py');
  const options = { input: JSON.stringify(task), env: noReports };
  return lastLine(await run(await peerPython(), [script, ...args], options));
};

const lastLine = (output: string): Measured => JSON.parse(output.trim().split('\n').at(-1)!) as Measured;

export type Result = Contestant & { readonly median: Measured; readonly runs: number };

/** Runs in turns, so that other work on the machine affects all of them. */
export const measureInTurns = async (
  contestants: readonly Contestant[],
  runs: number,
): Promise<readonly Result[]> => {
  const found = contestants.map((): Measured[] => []);
  for (let turn = 0; turn < runs; turn++)
    for (const [index, { measure, once, title }] of contestants.entries()) {
      if (once && turn > 0) continue;
      const measured = await measure();
      process.stderr.write(
        `${title}: ${measured.seconds.toFixed(2)} s, ${measured.mebibytes.toFixed(0)} MiB\n`,
      );
      found[index]!.push(measured);
    }
  return contestants.map((each, index) => ({
    ...each,
    median: mediansOf(found[index]!),
    runs: found[index]!.length,
  }));
};

export const mediansOf = (list: readonly Measured[]): Measured => ({
  seconds: median(list.map(({ seconds }) => seconds)),
  processorSeconds: median(list.map(({ processorSeconds }) => processorSeconds)),
  mebibytes: median(list.map(({ mebibytes }) => mebibytes)),
});

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!;
